/**
 * The time of the last scrape of a directory: the modification time of a file that readers touch. Processes that no program
 * scrapes need not run their collect callbacks.
 */
import { closeSync, constants, lstatSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { SCRAPED } from './file-name.js';

/**
 * Records that the directory is being read now. False where this process may not: a read-only mount, another user's file,
 * no directory.
 */
export function touchScraped(dir: string, fileMode = 0o600): boolean {
  const path = join(dir, SCRAPED);
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  return (
    writeByte(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK, fileMode) ||
    writeByte(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, fileMode)
  );
}

/** Writes a byte, because only the owner may call utimes; always at the same place, so that the file does not grow. */
function writeByte(path: string, flags: number, fileMode: number): boolean {
  try {
    const fd = openSync(path, flags, fileMode);
    try {
      writeSync(fd, '\n', 0);
      return true;
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}

/** When the directory was last read, in seconds since the epoch; 0 where it never was. */
export function lastScraped(dir: string): number {
  try {
    const stats = lstatSync(join(dir, SCRAPED));
    return stats.isFile() ? stats.mtimeMs / 1000 : 0;
  } catch {
    return 0;
  }
}
