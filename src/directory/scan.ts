/** What of ours is in a metrics directory, by name only. */
import { readdirSync } from 'node:fs';
import { PromMultiprocError } from '../errors.js';
import { isTemporaryName, parseArchiveName, parseDataFileName } from './file-name.js';
import type { ArchiveName, DataFileName } from './file-name.js';

export interface DirectoryScan {
  readonly dataFiles: DataFileName[];
  /** Newest first. */
  readonly archives: ArchiveName[];
  /** Names of files that are being made, or were when their maker was killed. */
  readonly temporaries: string[];
}

/**
 * Lists a directory once. One that does not exist, or not yet, is empty.
 *
 * @throws {PromMultiprocError} ERR_PERMISSION, or ERR_DIRECTORY_REFUSED where it is not a directory
 * @throws {NodeJS.ErrnoException} others of readdir(3)
 */
export function scanDirectory(dir: string): DirectoryScan {
  const scan: DirectoryScan = { dataFiles: [], archives: [], temporaries: [] };
  for (const name of listDirectory(dir)) {
    const dataFile = parseDataFileName(name);
    if (dataFile !== undefined) {
      scan.dataFiles.push(dataFile);
      continue;
    }
    const archive = parseArchiveName(name);
    if (archive !== undefined) scan.archives.push(archive);
    else if (isTemporaryName(name)) scan.temporaries.push(name);
  }
  scan.archives.sort((a, b) => b.generation - a.generation);
  return scan;
}

function listDirectory(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'ENOENT':
        return [];
      case 'EACCES':
      case 'EPERM':
        throw new PromMultiprocError(
          'ERR_PERMISSION',
          `The metrics directory ${JSON.stringify(dir)} may not be read by this user ` +
            `(uid ${process.geteuid?.() ?? 'unknown'}): run as the user of the workers, or give the directory a dirMode ` +
            'and a group that let this user read it',
          { cause: error },
        );
      case 'ENOTDIR':
        throw new PromMultiprocError(
          'ERR_DIRECTORY_REFUSED',
          `${JSON.stringify(dir)} is not a directory: name another one in PROMETHEUS_MULTIPROC_DIR`,
          { cause: error },
        );
      default:
        throw error;
    }
  }
}
