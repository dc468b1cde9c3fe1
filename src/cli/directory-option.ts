import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { baseDirectory, derivedPrefix } from '../directory/locate.js';
import { PromMultiprocError } from '../errors.js';

/**
 * The directory that a command is for: the one that was named, or the one that this user's applications have derived, if
 * there is exactly one.
 *
 * @throws {PromMultiprocError} ERR_NO_DIRECTORY, listing those there are to choose from
 */
export function chosenDirectory(named: string | undefined): string {
  if (named !== undefined) return named;
  const base = baseDirectory();
  const derived = readdirSync(base).filter((name) => name.startsWith(derivedPrefix()) && isDirectory(join(base, name)));
  if (derived.length === 1) return join(base, derived[0]);
  throw new PromMultiprocError(
    'ERR_NO_DIRECTORY',
    derived.length === 0
      ? 'name the metrics directory by --dir or PROMETHEUS_MULTIPROC_DIR'
      : `there are ${derived.length} metrics directories in ${base}: name one by --dir (${derived.join(', ')})`,
  );
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
