/** Finds the directory in use among several: for a command without one. */
import { join } from 'node:path';
import { PromMultiprocError } from '../errors.js';
import { withHeader } from '../metrics-file/header.js';
import { probeLiveness } from './liveness.js';
import { scanDirectory } from './scan.js';

/**
 * The only directory; or the only one of several with a living process, because every restart of a cluster leaves the
 * former one behind.
 *
 * @throws {PromMultiprocError} ERR_NO_DIRECTORY, with a list of those that exist
 */
export function onlyUsedOf(dirs: readonly string[]): string {
  if (dirs.length === 1) return dirs[0];
  const living = dirs.filter(hasLivingProcess);
  if (living.length === 1) return living[0];
  const [choice, which] =
    living.length === 0 ? [dirs, 'metrics directories'] : [living, 'metrics directories in which processes live'];
  throw new PromMultiprocError(
    'ERR_NO_DIRECTORY',
    dirs.length === 0
      ? 'name the metrics directory by --dir or PROMETHEUS_MULTIPROC_DIR'
      : `there are ${choice.length} ${which}: name one by --dir (${listed(choice)})`,
  );
}

function hasLivingProcess(dir: string): boolean {
  try {
    return scanDirectory(dir).dataFiles.some(({ name }) => isAlive(join(dir, name)));
  } catch {
    return false;
  }
}

/** False also where a file cannot be read. */
function isAlive(path: string): boolean {
  try {
    return withHeader(path, (header, fd) => probeLiveness(fd, header) === 'live');
  } catch {
    return false;
  }
}

/** Killed applications leave their directories until the next application sweeps: there may be many. */
const MAX_LISTED = 10;

function listed(dirs: readonly string[]): string {
  const more = dirs.length - MAX_LISTED;
  return dirs.slice(0, MAX_LISTED).join(', ') + (more > 0 ? `, and ${more} more` : '');
}
