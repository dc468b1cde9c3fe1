import { constants, fstatSync, lstatSync, unlinkSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { openForReading, readHeader } from '../metrics-file/header.js';
import { native } from '../metrics-file/mapping.js';
import { openFile, whileOpen } from '../metrics-file/open-file.js';
import { heartBeats, probeLiveness } from './liveness.js';

/**
 * Frees the file's pages and unlinks it. The mapping of an ended thread's file stays until the process uses or frees its
 * buffer, and would keep the pages until then: 40 unlinked thread files kept 40 MiB of tmpfs, and none after their pages
 * were punched out. The file is never truncated, because a store into a truncated mapping kills the process.
 * The kernel is asked again whether the writer is dead: the caller may have the claim of an archive, which may be false.
 *
 * @param now seconds since the epoch
 * @returns false where the writer may be alive: the file is not changed
 * @throws {PromMultiprocError} ERR_PERMISSION where the file may not be read, so that the kernel cannot be asked
 * @throws {NodeJS.ErrnoException} other errors of open(2) and unlink(2)
 */
export function removeDataFile(path: string, now = Date.now() / 1000): boolean {
  if (lstatSync(path).isFile()) {
    const hasWriter = whileOpen(openToPunch(path) ?? openForReading(path), (fd) => {
      if (mayHaveWriter(fd, path, now)) return true;
      punchPages(fd);
      return false;
    });
    if (hasWriter) return false;
  }
  unlinkSync(path);
  return true;
}

/** Undefined where this process may not write the file. */
function openToPunch(path: string): number | undefined {
  try {
    return openFile(path, constants.O_RDWR);
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
    // not yet, or no longer, a metrics file: the process that creates it holds the lock, which a thread cannot test
    return !isMainThread || native()?.lockShared(fd) === false;
  }
}

/** A file with a second name may belong to another program too: it keeps its contents. */
function punchPages(fd: number): void {
  const stats = fstatSync(fd);
  if (stats.isFile() && stats.nlink === 1) native()?.punch(fd, stats.size);
}
