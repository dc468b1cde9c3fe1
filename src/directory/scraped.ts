/**
 * The time of the last scrape of a directory: the modification time of a file that readers touch. Processes that no program
 * scrapes need not run their collect callbacks.
 */
import { constants, lstatSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { whileOpen } from '../metrics-file/open-file.js';
import { SCRAPED } from './file-name.js';
import { openLockFile } from './lock-file.js';

/** Records that the directory is being read now. False where this process may not, as on a read-only mount. */
export function touchScraped(dir: string): boolean {
  try {
    // a byte is written, because only the owner may call utimes; always at the same place, so that the file does not grow
    whileOpen(openLockFile(join(dir, SCRAPED), constants.O_WRONLY, {}), (fd) => writeSync(fd, '\n', 0));
    return true;
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
