import { closeSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { probeLiveness } from '../directory/liveness.js';
import { baseDirectory, derivedPrefix, pm2BaseDirectory } from '../directory/locate.js';
import { scanDirectory } from '../directory/scan.js';
import { PromMultiprocError } from '../errors.js';
import { openForReading, readHeader } from '../metrics-file/header.js';

/**
 * The directory that a command is for: the one that was named; else the only one that this user's applications have derived,
 * or the only one of several in which a process lives, for every restart of a cluster leaves the one before behind.
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
  return onlyOneOf(derived);
}

/** @throws {PromMultiprocError} ERR_NO_DIRECTORY, listing those there are to choose from */
export function onlyOneOf(dirs: readonly string[]): string {
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

/** A file that cannot be read has nobody to speak for. */
function isAlive(path: string): boolean {
  try {
    const fd = openForReading(path);
    try {
      return probeLiveness(fd, readHeader(fd, path)) === 'live';
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
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
const MAX_LISTED = 10;

function listed(dirs: readonly string[]): string {
  const more = dirs.length - MAX_LISTED;
  return dirs.slice(0, MAX_LISTED).join(', ') + (more > 0 ? `, and ${more} more` : '');
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
