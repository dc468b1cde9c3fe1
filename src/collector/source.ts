import { fstatSync } from 'node:fs';
import { join } from 'node:path';
import { dataFileName, isNamedAfter, parseArchiveName, parseDataFileName } from '../directory/file-name.js';
import { pidLabel } from '../directory/identity.js';
import type { Liveness } from '../directory/liveness.js';
import { BadFileError, PromMultiprocError } from '../errors.js';
import { FileReader } from '../metrics-file/reader.js';
import { verifySeal } from '../metrics-file/seal.js';
import { FileView, type ProcessState } from '../merge/file-view.js';
import { CLOCK_TOLERANCE_SECONDS } from '../model/comparable-time.js';
import type { MergeIndex } from '../merge/merge-index.js';

/** Why a file is not part of the output. */
export const SKIP_REASONS = ['not_a_metrics_file', 'version', 'corrupt', 'owner', 'permission', 'other'] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

export function skipReason(error: unknown): SkipReason {
  if (error instanceof BadFileError) {
    if (error.code === 'ERR_NOT_A_METRICS_FILE') return 'not_a_metrics_file';
    return error.code === 'ERR_UNSUPPORTED_VERSION' ? 'version' : 'corrupt';
  }
  const code: string | undefined = (error as NodeJS.ErrnoException).code;
  // O_NOFOLLOW on a symlink
  if (code === 'ELOOP') return 'not_a_metrics_file';
  if (code === 'ERR_UNTRUSTED_OWNER') return 'owner';
  if (code === 'ERR_PERMISSION' || code === 'EACCES' || code === 'EPERM') return 'permission';
  return error instanceof PromMultiprocError ? 'corrupt' : 'other';
}

/** Slots of removed series rest for a second; a pass that takes longer might read a slot's next series. */
const LONGEST_PASS_MS = 900;
const MAX_PASSES = 4;

/** One file of the directory, as it is read again and again. */
export class Source {
  readonly name: string;
  readonly reader: FileReader;
  readonly view: FileView;
  /** Of the file as it was opened. */
  readonly mark: string;
  liveness: Liveness | 'archive' = 'unknown';
  #readWhenOver = false;
  /** Seconds since the epoch. */
  #foundDeadAt: number | undefined;

  /** @throws what opening and reading the header throw; ERR_NOT_A_METRICS_FILE for a copy under another name */
  constructor(dir: string, name: string, index: MergeIndex, isArchive: boolean, expiredBefore: number) {
    this.name = name;
    this.reader = new FileReader(join(dir, name));
    if (!isArchive) assertOriginal(this.reader, name);
    // a gauge in an archive that was not shown per process when it was folded is of no one process
    const pid = isArchive ? '' : pidLabel(this.reader.header.identity);
    this.view = new FileView(index, this.reader, isArchive ? 'dead' : 'live', pid, expiredBefore);
    if (isArchive) this.liveness = 'archive';
    this.mark = markOf(this.reader);
  }

  /** What its gauges count as. One whose liveness is unknown counts as alive. */
  stateAt(nowSeconds: number, deadRetentionSeconds: number): ProcessState {
    if (this.liveness === 'archive') return 'dead';
    if (this.liveness !== 'dead') return 'live';
    const { heartbeat } = this.reader.words;
    // of a clock that was ahead its gauges would be kept until then: they are as old as this reader's knowledge of the end
    this.#foundDeadAt ??= nowSeconds;
    const endedAt = heartbeat <= nowSeconds + CLOCK_TOLERANCE_SECONDS ? heartbeat : this.#foundDeadAt;
    return nowSeconds - endedAt > deadRetentionSeconds ? 'expired' : 'dead';
  }

  /**
   * Whether it was read after the last word was written to it: then there is no reason to open it again. Who holds no lock
   * may turn out to be alive.
   */
  get isFinal(): boolean {
    return this.#readWhenOver && !this.view.isRewound;
  }

  /**
   * Reads keys, values, and keys again.
   *
   * @throws {BadFileError} where the file breaks the format; the system's error where it cannot be read
   */
  read(): void {
    const isOver =
      this.liveness === 'archive' || (this.liveness === 'dead' && this.reader.header.identity.liveness === 'flock');
    // an archive is taken whole or not at all
    if (this.liveness === 'archive') verifySeal(this.reader.fd, this.reader.file);
    this.#readAll();
    if (this.liveness === 'archive') assertGeneration(this.view, this.name);
    this.#readWhenOver = isOver;
  }

  #readAll(): void {
    for (let pass = 1; ; pass++) {
      const start = performance.now();
      try {
        this.view.readLog();
        const { replacements } = this.view;
        this.reader.readValues();
        this.view.readLog();
        if (this.view.replacements > replacements && pass < MAX_PASSES) continue;
      } catch (error) {
        // a log that began anew twice meanwhile has overwritten what was being read
        if (!(error instanceof BadFileError) || pass === MAX_PASSES || !this.reader.hasNewLog()) throw error;
        this.view.rewind();
        continue;
      }
      if (performance.now() - start < LONGEST_PASS_MS || pass === MAX_PASSES) return;
    }
  }

  close(): void {
    this.view.remove();
    this.reader.close();
  }
}

/**
 * Changes when the file is another one, is longer or has a new log; where it is written by calls and not through a
 * mapping, which leaves no time stamp, with every write.
 */
function markOf({ fd, words, header }: FileReader): string {
  const { ino, size, mtimeMs } = fstatSync(fd);
  const isMapped = header.identity.liveness === 'flock';
  return [ino, size, words.keyEpoch, words.blockCount, isMapped ? 0 : mtimeMs].join();
}

/** A copy would count twice, and the lock that nobody holds on it would tell of a death that never was. */
function assertOriginal(reader: FileReader, name: string): void {
  const { identity } = reader.header;
  const parsed = parseDataFileName(name);
  if (parsed !== undefined && isNamedAfter(parsed, identity)) return;
  reader.close();
  const reason = `this is ${dataFileName(identity)} under another name: move or delete the copy`;
  throw new BadFileError('ERR_NOT_A_METRICS_FILE', reason, { file: reader.file, offset: 0 });
}

function assertGeneration({ archive, reader }: FileView, name: string): void {
  if (archive?.generation === parseArchiveName(name)?.generation) return;
  throw new BadFileError('ERR_CORRUPT_FILE', 'an archive under another name', { file: reader.file, offset: 0 });
}
