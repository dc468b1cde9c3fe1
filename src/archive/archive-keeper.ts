/**
 * Cleaners of temporary files (systemd-tmpfiles, tmpreaper, `find -mtime`) delete files that have not been touched for long,
 * and an archive is written only once. Without it the counts of all ended processes would be lost while the application
 * continues. So every process with metrics keeps the archive open, touches it, and restores it where it has been deleted:
 * the bytes of an open file remain.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  linkSync,
  readSync,
} from 'node:fs';
import { join } from 'node:path';
import { describeError } from '../errors.js';
import { type ArchiveName, archiveTemporaryName } from '../directory/file-name.js';
import { type DirectoryScan, scanInSteps } from '../directory/scan.js';
import { trustIn } from '../directory/trust.js';
import { openFile } from '../metrics-file/open-file.js';
import { createAside } from '../metrics-file/own-file.js';
import { writeAll } from '../metrics-file/write-all.js';
import { TimeSlices } from '../time-slices.js';
import { warnOnce } from '../warn-once.js';
import { unlinkQuietly } from './unlink-quietly.js';

/** Cleaners work with ages of days, seldom of hours. */
const TOUCH_INTERVAL_MS = 10 * 60_000;
const CHUNK_BYTES = 1024 * 1024;

interface HeldArchive {
  readonly dir: string;
  readonly name: ArchiveName;
  readonly fd: number;
}

export class ArchiveKeeper {
  #held: HeldArchive | undefined;
  /** By the clock of `performance.now()`. */
  #touchedAt = -Infinity;
  #isLooking = false;

  /** Call it every few seconds. Never throws. */
  async keep(dir: string): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    try {
      const held = this.#held?.dir === dir ? this.#held : undefined;
      if (held === undefined || fstatSync(held.fd).nlink === 0) {
        // the directory may have a hundred thousand names of other programs
        const slices = new TimeSlices();
        const newest = openNewest(dir, await slices.run(scanInSteps(dir)));
        if (held === undefined || (newest?.name.generation ?? 0) >= held.name.generation) this.#hold(newest);
        else {
          if (newest !== undefined) closeSync(newest.fd);
          await slices.run(restoreInSteps(held));
        }
      }
      this.#touch();
    } catch (error) {
      // another process is folding or restoring: the next call sees the result
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      warnOnce(`keep ${dir}`, `the archive in ${JSON.stringify(dir)} is not maintained: ${describeError(error)}`);
    } finally {
      this.#isLooking = false;
    }
  }

  close(): void {
    this.#hold(undefined);
  }

  #hold(archive: HeldArchive | undefined): void {
    if (this.#held !== undefined) closeSync(this.#held.fd);
    this.#held = archive;
    this.#touchedAt = -Infinity;
  }

  #touch(): void {
    if (this.#held === undefined || performance.now() - this.#touchedAt < TOUCH_INTERVAL_MS) return;
    this.#touchedAt = performance.now();
    const now = Date.now() / 1000;
    try {
      futimesSync(this.#held.fd, now, now);
    } catch {
      // another user's archive: a process of that user touches it
    }
  }
}

/** The newest archive of a trusted owner. It is not read: a damaged archive would be damaged in the copy too. */
function openNewest(dir: string, { archives }: DirectoryScan): HeldArchive | undefined {
  const trust = trustIn(dir);
  for (const name of archives) {
    const fd = openFile(join(dir, name.name), constants.O_RDONLY);
    if (trust(fstatSync(fd).uid)) return { dir, name, fd };
    closeSync(fd);
  }
  return undefined;
}

/**
 * Restores a deleted archive under its name, from an open descriptor. It never undoes a fold: a fold removes an archive
 * only when the next one exists. Pauses after each mebibyte.
 *
 * @throws the system's error, with nothing left behind
 */
export function* restoreInSteps({ dir, name, fd }: HeldArchive): Generator<void, void> {
  const { mode, uid, gid, size } = fstatSync(fd);
  const temporary = join(dir, archiveTemporaryName(name.generation, randomBytes(8).toString('hex')));
  const copy = createAside({ temporaryPath: temporary });
  try {
    const chunk = new Uint8Array(Math.min(size, CHUNK_BYTES));
    for (let at = 0; at < size;) {
      const got = readSync(fd, chunk, 0, chunk.length, at);
      if (got === 0) break;
      writeAll(copy, chunk.subarray(0, got));
      at += got;
      yield;
    }
    if (process.geteuid?.() === 0) fchownSync(copy, uid, gid);
    fchmodSync(copy, mode & 0o777);
    fsyncSync(copy);
    linkSync(temporary, join(dir, name.name));
  } catch (error) {
    // another process has restored it first
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    closeSync(copy);
    unlinkQuietly(temporary);
  }
  warnOnce(
    `restore ${dir}`,
    `${JSON.stringify(name.name)}, which has the counts of processes that ended, was deleted while in use; it is restored`,
  );
}
