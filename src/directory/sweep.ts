/**
 * Empties directories that no living process uses. Only files with names of this package are removed (file-name.ts), and
 * only while no process can enter: under the exclusive lock on `dir.lock`.
 * The lock alone is not enough, because processes without native code use a directory without it: the writer of every data
 * file must be dead as well.
 */
import { closeSync, lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PromMultiprocError } from '../errors.js';
import { withHeader } from '../metrics-file/header.js';
import { native } from '../metrics-file/mapping.js';
import { completed, TimeSlices } from '../time-slices.js';
import { seizeDirectory } from './directory-lock.js';
import {
  DIRECTORY_LOCK,
  FOLD_LOCK,
  FOLD_LOCK_DIRECTORY,
  generationOfTemporary,
  isPushName,
  isTemporaryName,
  parseArchiveName,
  parseDataFileName,
  SCRAPED,
} from './file-name.js';
import { probeLiveness } from './liveness.js';
import { derivedDirectoriesIn, isProcessPath } from './derived-directory.js';
import { removeDataFile } from './remove-data-file.js';

/** A directory that was not touched for a day belongs to an application that does not come back. */
export const ABANDONED_SECONDS = 24 * 3600;

/** A small directory of a process is kept for an hour: restarts of `node --watch` leave many, and nothing uses them again. */
const SMALL_BYTES = 2 ** 20;
const SMALL_ABANDONED_SECONDS = 3600;

/** Sweeps on later turns of the event loop, a few milliseconds at a time, without keeping the process alive. */
export async function sweepSoon(base: string): Promise<void> {
  const slices = new TimeSlices(undefined, false);
  await slices.next();
  await slices.run(sweep(base, Date.now() / 1000));
}

/**
 * Removes the derived directories of this user in `base` whose applications are dead and in which nothing has happened for
 * 24 hours, or an hour where a directory is one of a process and small, and returns their paths. One with a problem stays.
 */
export function sweepDerivedDirectories(base: string, now = Date.now() / 1000): string[] {
  return completed(sweep(base, now));
}

function* sweep(base: string, now: number): Generator<void, string[]> {
  const removed: string[] = [];
  for (const dir of yield* derivedDirectoriesIn(base)) if (yield* sweepDirectory(dir, now)) removed.push(dir);
  return removed;
}

function* sweepDirectory(dir: string, now: number): Generator<void, boolean> {
  try {
    const stats = lstatSync(dir);
    if (!stats.isDirectory() || stats.uid !== (process.geteuid?.() ?? stats.uid)) return false;
    // Before the lock, because to open the lock file may create it.
    if (!(yield* isAbandoned(dir, now))) return false;
    const lock = seizeDirectory(dir);
    if (lock === 'held' || (lock === undefined && native() !== undefined)) return false;
    try {
      if (findUser(dir, now) !== undefined) return false;
      removeOurFiles(dir, now, isOurName);
      rmdirSync(dir);
      return true;
    } finally {
      if (lock !== undefined) closeSync(lock);
    }
  } catch {
    return false; // such as ENOTEMPTY, because of a file of another program
  }
}

/** Whether the last change or heartbeat in it is old enough. */
function* isAbandoned(dir: string, now: number): Generator<void, boolean> {
  let changed = lstatSync(dir).mtimeMs / 1000;
  let bytes = 0;
  for (const name of readdirSync(dir)) {
    if (now - changed <= SMALL_ABANDONED_SECONDS) return false;
    const path = join(dir, name);
    const { mtimeMs, size } = lstatSync(path);
    changed = Math.max(changed, mtimeMs / 1000, parseDataFileName(name) === undefined ? 0 : heartbeatOf(path));
    bytes += size;
    yield;
  }
  const isSmall = isProcessPath(dir) && bytes < SMALL_BYTES;
  return now - changed > (isSmall ? SMALL_ABANDONED_SECONDS : ABANDONED_SECONDS);
}

/** 0 for a file that is not a metrics file: then only its mtime counts. */
function heartbeatOf(path: string): number {
  try {
    return withHeader(path, ({ heartbeat }) => heartbeat);
  } catch {
    return 0;
  }
}

/**
 * For setupPrimary({ clean: true }). Returns the number of files deleted; 0 where the directory does not exist.
 *
 * @throws {PromMultiprocError} ERR_DIRECTORY_IN_USE, ERR_PERMISSION
 */
export function emptyDirectory(dir: string, now = Date.now() / 1000): number {
  if (lstatSync(dir, { throwIfNoEntry: false }) === undefined) return 0;
  const lock = seizeDirectory(dir);
  if (lock === 'held') {
    throw inUse(dir, 'a living process holds its dir.lock', 'stop the processes that count in it');
  }
  if (lock === undefined && native() !== undefined) {
    throw new PromMultiprocError(
      'ERR_PERMISSION',
      `${JSON.stringify(join(dir, DIRECTORY_LOCK))} may not be opened by this user: clean the directory as its owner`,
    );
  }
  try {
    const user = findUser(dir, now);
    if (user !== undefined) {
      throw inUse(dir, `the writer of ${user.name} is ${user.why}`, 'stop it, or delete the file if it is gone');
    }
    // The lock files stay: a process that waits for one of them would lock a removed file.
    return removeOurFiles(dir, now, (name) => isOurName(name) && !isLock(name));
  } finally {
    if (lock !== undefined) closeSync(lock);
  }
}

/** To create a file takes milliseconds, to prepare an archive minutes at worst: the creator of an older one was killed. */
const LEFTOVER_SECONDS = 3600;

/**
 * Deletes files that were never published because their creator was killed, and returns their number. A file that is still
 * being created is locked; a file with a problem stays.
 */
export function removeLeftovers(dir: string, temporaries: readonly string[], now = Date.now() / 1000): number {
  return temporaries.filter((name) => removeLeftover(join(dir, name), now)).length;
}

/** Whether a file under a temporary name is so old that its creator was killed; false where it cannot be read. */
export function isLeftover(path: string, now = Date.now() / 1000): boolean {
  try {
    const stats = lstatSync(path);
    return stats.isFile() && now - stats.mtimeMs / 1000 > LEFTOVER_SECONDS;
  } catch {
    return false;
  }
}

function removeLeftover(path: string, now: number): boolean {
  try {
    if (!isLeftover(path, now)) return false;
    // an archive is never punched: a fold that continues after an hour might link a punched file before it is unlinked
    if (generationOfTemporary(basename(path)) === undefined) return removeDataFile(path, now);
    unlinkSync(path);
    return true;
  } catch {
    return false;
  }
}

/** The first data file that a living process may be writing. */
function findUser(dir: string, now: number): { name: string; why: string } | undefined {
  for (const name of readdirSync(dir)) {
    if (parseDataFileName(name) === undefined) continue;
    try {
      const [liveness, heartbeat] = withHeader(join(dir, name), (header, fd) => [
        probeLiveness(fd, header, now),
        header.heartbeat,
      ]);
      if (liveness === 'live') return { name, why: 'alive' };
      if (liveness === 'unknown' && now - heartbeat <= ABANDONED_SECONDS) {
        return { name, why: 'on another machine or in another container, and may be alive' };
      }
    } catch {
      continue; // not a file, removed, or damaged: no process can count in it
    }
  }
  return undefined;
}

function isOurName(name: string): boolean {
  return (
    OUR_SINGLE_FILES.has(name) ||
    isTemporaryName(name) ||
    isPushName(name) ||
    parseDataFileName(name) !== undefined ||
    parseArchiveName(name) !== undefined
  );
}

function isLock(name: string): boolean {
  return name === DIRECTORY_LOCK || name === FOLD_LOCK || isPushName(name);
}

const OUR_SINGLE_FILES = new Set([DIRECTORY_LOCK, FOLD_LOCK, FOLD_LOCK_DIRECTORY, SCRAPED]);

function removeOurFiles(dir: string, now: number, isChosen: (name: string) => boolean): number {
  let removed = 0;
  // The lock file is last: until then entering processes wait for the lock, and afterwards they find that it has no effect.
  const names = readdirSync(dir).filter(isChosen);
  names.sort((a, b) => Number(a === DIRECTORY_LOCK) - Number(b === DIRECTORY_LOCK));
  for (const name of names) {
    const path = join(dir, name);
    if (name === FOLD_LOCK_DIRECTORY) {
      if (lstatSync(path).isDirectory()) rmdirSync(path);
      continue;
    }
    if (lstatSync(path).isDirectory()) continue;
    if (parseDataFileName(name) === undefined) unlinkSync(path);
    else if (!removeDataFile(path, now)) continue;
    removed++;
  }
  return removed;
}

function inUse(dir: string, why: string, what: string): PromMultiprocError {
  return new PromMultiprocError('ERR_DIRECTORY_IN_USE', `${JSON.stringify(dir)} is in use: ${why}; ${what}`);
}
