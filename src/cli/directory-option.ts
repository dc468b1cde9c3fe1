import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { baseDirectory, derivedPrefix, pm2BaseDirectory } from '../directory/locate.js';
import { PromMultiprocError } from '../errors.js';

/**
 * The directory that a command is for: the one that was named, or the one that this user's applications have derived, if
 * there is exactly one.
 *
 * @throws {PromMultiprocError} ERR_NO_DIRECTORY, listing those there are to choose from
 */
export function chosenDirectory(named: string | undefined): string {
  if (named !== undefined) return named;
  const bases = [...new Set([baseDirectory(), pm2BaseDirectory()])];
  const derived = bases.flatMap((base) =>
    readdirSync(base)
      .filter((name) => name.startsWith(derivedPrefix()))
      .map((name) => join(base, name))
      .filter(isDirectory),
  );
  if (derived.length === 1) return derived[0];
  throw new PromMultiprocError(
    'ERR_NO_DIRECTORY',
    derived.length === 0
      ? 'name the metrics directory by --dir or PROMETHEUS_MULTIPROC_DIR'
      : `there are ${derived.length} metrics directories: name one by --dir (${derived.join(', ')})`,
  );
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
