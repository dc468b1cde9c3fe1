/**
 * Detects that an archive that was shown has been deleted: its counts would disappear from the output, and counters that
 * fall are wrong. The collection restores its open archive, or continues to show it.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { restoreInSteps } from '../archive/archive-keeper.js';
import { type DirectoryScan, scanDirectory } from '../directory/scan.js';
import { debug } from '../debug-log.js';
import { describeError } from '../errors.js';
import { warnOnce } from '../warn-once.js';
import type { NodeFile } from './node-file.js';

export class ArchiveLoss {
  readonly #dir: string;
  /** Inode of the directory in which an archive was last found. */
  #directory: number | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /**
   * @param shown the archive of the last pass
   * @param newest the archive that counts among the files found now
   */
  *after(
    shown: NodeFile | undefined,
    newest: NodeFile | undefined,
    found: DirectoryScan,
    mayWrite: boolean,
  ): Generator<void, 'none' | 'restored' | 'lost'> {
    const inode = statSync(this.#dir, { throwIfNoEntry: false })?.ino;
    // this is another directory under the same name: nothing of it has been shown
    if (shown === undefined || inode !== this.#directory || !this.#isDeleted(shown, newest, found)) {
      this.#directory = inode;
      return 'none';
    }
    return mayWrite && (yield* this.#restore(shown)) ? 'restored' : 'lost';
  }

  /** Whether it was removed although there is no higher archive, as there would be after a fold. */
  #isDeleted({ name, part }: NodeFile, newest: NodeFile | undefined, { archives }: DirectoryScan): boolean {
    if (archives.some((archive) => archive.name === name)) return false;
    if (newest !== undefined && newest.part.archive!.generation > part.archive!.generation) return false;
    // the listing may be from the moment in which a fold replaced it
    const again = scanDirectory(this.#dir).archives;
    return again.length === archives.length && again.every((archive, at) => archive.name === archives[at].name);
  }

  *#restore({ name, part, reader }: NodeFile): Generator<void, boolean> {
    const path = join(this.#dir, name);
    try {
      yield* restoreInSteps({ dir: this.#dir, name: { name, generation: part.archive!.generation }, fd: reader.fd });
      return true;
    } catch (error) {
      debug('cannot restore %s: %s', path, describeError(error));
      return false;
    }
  }
}

export function warnOfLoss(dir: string, { name }: NodeFile): void {
  warnOnce(
    `lost ${join(dir, name)}`,
    `${JSON.stringify(join(dir, name))}, which has the counts of processes that ended, was deleted while in use: ` +
      'only processes that have read it before still show these counts',
  );
}
