import { lstatSync, readdirSync, statSync } from 'node:fs';
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
    namesIn(base)
      .filter((name) => name.startsWith(derivedPrefix()))
      .map((name) => join(base, name))
      .filter(isDirectory),
  );
  if (derived.length === 1) return derived[0];
  throw new PromMultiprocError(
    'ERR_NO_DIRECTORY',
    derived.length === 0
      ? 'name the metrics directory by --dir or PROMETHEUS_MULTIPROC_DIR'
      : `there are ${derived.length} metrics directories: name one by --dir (${listed(derived)})`,
  );
}

/**
 * The same, for a command that has nothing to do where there is none: a mistyped name would look like an idle application.
 *
 * @throws {PromMultiprocError} ERR_NO_DIRECTORY
 */
export function existingDirectory(named: string | undefined): string {
  const dir = chosenDirectory(named);
  const stats = statSync(dir, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return dir;
  const name = JSON.stringify(dir);
  throw new PromMultiprocError(
    'ERR_NO_DIRECTORY',
    `${stats === undefined ? `there is no directory ${name}` : `${name} is not a directory`}: ` +
      'name the one that the application counts in by --dir or PROMETHEUS_MULTIPROC_DIR',
  );
}

/** Applications that were killed leave theirs until the next one sweeps: there may be many. */
const MOST_LISTED = 10;

function listed(dirs: readonly string[]): string {
  const more = dirs.length - MOST_LISTED;
  return dirs.slice(0, MOST_LISTED).join(', ') + (more > 0 ? `, and ${more} more` : '');
}

/** Nothing where a base directory cannot be read: the command then asks for --dir. */
function namesIn(base: string): string[] {
  try {
    return readdirSync(base);
  } catch {
    return [];
  }
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
