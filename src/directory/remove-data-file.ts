/** Deleting a data file so that its pages are given back at once, even while an ended thread's mapping keeps them. */
import { closeSync, constants, fstatSync, lstatSync, openSync, unlinkSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { openForReading, readHeader } from '../metrics-file/header.js';
import { native } from '../metrics-file/mapping.js';
import { heartBeats, probeLiveness } from './liveness.js';

/**
 * Punches the file's pages out and unlinks it. The mapping of an ended thread's file stays until the process uses or frees
 * its buffer, and would keep the pages until then: 40 unlinked thread files kept 40 MiB of tmpfs, and none after punching.
 * The file is never truncated, for a store into a truncated mapping kills the process.
 *
 * The kernel is asked again, whatever made the caller believe that the writer is dead: an archive may lie about that.
 *
 * @param now seconds since the epoch
 * @returns false where the writer may be alive: the file is left as it is
 * @throws {PromMultiprocError} ERR_PERMISSION where the file may not be read, so that the kernel cannot be asked
 * @throws {NodeJS.ErrnoException} others of open(2) and unlink(2)
 */
export function removeDataFile(path: string, now = Date.now() / 1000): boolean {
  if (lstatSync(path).isFile()) {
    const fd = openToPunch(path) ?? openForReading(path);
    try {
      if (mayHaveWriter(fd, path, now)) return false;
      punchPages(fd);
    } finally {
      closeSync(fd);
    }
  }
  unlinkSync(path);
  return true;
}

/** Undefined where this process may not write the file. */
function openToPunch(path: string): number | undefined {
  const { O_RDWR, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  try {
    return openSync(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return undefined;
  }
}

function mayHaveWriter(fd: number, path: string, now: number): boolean {
  try {
    const header = readHeader(fd, path);
    const liveness = probeLiveness(fd, header, now);
    return liveness === 'live' || (liveness === 'unknown' && heartBeats(header, now));
  } catch {
    // not yet, or no longer, a file of ours: whoever is making it holds the lock
    // a thread cannot ask
    return !isMainThread || native()?.lockShared(fd) === false;
  }
}

/** A file with a second name is somebody else's too: it keeps its contents. */
function punchPages(fd: number): void {
  const stats = fstatSync(fd);
  if (stats.isFile() && stats.nlink === 1) native()?.punch(fd, stats.size);
}
