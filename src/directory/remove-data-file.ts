/** Deleting a data file so that its pages are given back, even while a terminated thread's mapping still pins them. */
import { closeSync, constants, fstatSync, openSync, unlinkSync } from 'node:fs';
import { native } from '../metrics-file/mapping.js';

/**
 * Punches the file's pages out and unlinks it. A mapping that a terminated thread left behind is never unmapped, and would
 * keep the pages: 40 unlinked thread files kept 40 MiB of tmpfs, and none after punching. Never truncated, for a store
 * into a truncated mapping kills the process.
 *
 * The caller has made sure that its writer is dead.
 *
 * @throws {NodeJS.ErrnoException} of unlink(2)
 */
export function removeDataFile(path: string): void {
  punchPages(path);
  unlinkSync(path);
}

/** A file with a second name is somebody else's too: it keeps its contents. */
function punchPages(path: string): void {
  const { O_RDWR, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const punch = native()?.punch;
  if (punch === undefined) return;
  try {
    const fd = openSync(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    try {
      const stats = fstatSync(fd);
      if (stats.isFile() && stats.nlink === 1) punch(fd, stats.size);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Not permitted, or gone: unlinking tells.
  }
}
