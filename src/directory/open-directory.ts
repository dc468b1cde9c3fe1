/** Making and entering the directory that a process counts in. */
import { chmodSync, chownSync, closeSync, existsSync, lstatSync, mkdirSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import { PromMultiprocError } from '../errors.js';
import { holdDirectory } from './directory-lock.js';
import type { LocatedDirectory } from './locate.js';
import { sweepDerivedDirectories } from './sweep.js';

export interface DirectoryPermissions {
  /** Permission bits of the directory where it is made by us; default 0700 for a derived one, else what the umask leaves. */
  readonly dirMode?: number;
  /** Permission bits of our files; default 0600. */
  readonly fileMode?: number;
  /** A group id for the directory, where it is made by us, and for our files. */
  readonly group?: number;
}

export interface OpenedDirectory {
  readonly dir: string;
  readonly derived: boolean;
  readonly fileMode: number;
  readonly group: number | undefined;
  /** Whether the shared lock is held, which keeps others from sweeping the directory. */
  readonly isLocked: boolean;
  /** What is odd about the directory but not a reason to refuse it. */
  readonly warnings: readonly string[];
  /** Gives the lock back. */
  close(): void;
}

const DEFAULT_FILE_MODE = 0o600;
const DERIVED_DIRECTORY_MODE = 0o700;

/**
 * Makes the directory if it is missing, checks it and takes its shared lock, which is held until close(). A derived one is
 * made private, and is refused where it is somebody else's; then those that dead applications left beside it are swept.
 *
 * @throws {PromMultiprocError} ERR_DIRECTORY_REFUSED
 * @throws {NodeJS.ErrnoException} of mkdir(2): EACCES, ENOSPC, EROFS, ...
 */
export function openDirectory(located: LocatedDirectory, permissions: DirectoryPermissions = {}): OpenedDirectory {
  const warnings: string[] = [];
  const isNew = makeDirectory(located, permissions, warnings);
  const opened = enterDirectory(located, permissions, warnings, () => makeDirectory(located, permissions, warnings));
  if (isNew && located.derived) sweepDerivedDirectories(dirname(located.dir));
  return opened;
}

/**
 * The same for one who only reads: makes nothing but the lock file, if that. Undefined where there is no directory yet.
 *
 * @throws {PromMultiprocError} ERR_DIRECTORY_REFUSED
 */
export function joinDirectory(
  located: LocatedDirectory,
  permissions: DirectoryPermissions = {},
): OpenedDirectory | undefined {
  try {
    return enterDirectory(located, permissions, [], () => lstatSync(located.dir));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function enterDirectory(
  located: LocatedDirectory,
  permissions: DirectoryPermissions,
  warnings: string[],
  remake: () => void,
): OpenedDirectory {
  const { dir, derived } = located;
  const { fileMode = DEFAULT_FILE_MODE, group } = permissions;
  warnings.push(...checkDirectory(located));
  let lock = holdDirectory(dir, { fileMode, group }, () => {
    remake();
    checkDirectory(located);
  });
  return {
    dir,
    derived,
    fileMode,
    group,
    isLocked: lock !== undefined,
    warnings,
    close() {
      if (lock !== undefined) closeSync(lock);
      lock = undefined;
    },
  };
}

/** Whether it was missing. */
function makeDirectory(
  { dir, derived }: LocatedDirectory,
  { dirMode, group }: DirectoryPermissions,
  warnings: string[],
): boolean {
  const mode = dirMode ?? (derived ? DERIVED_DIRECTORY_MODE : undefined);
  try {
    if (derived) mkdirSync(dir, { mode });
    else if (existsSync(dir)) return false;
    else makeWithParents(dir);
  } catch (error) {
    // EEXIST: also where something that is no directory has the name, which the check tells better.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    if (group !== undefined) chownSync(dir, process.geteuid?.() ?? 0, group);
  } catch (error) {
    warnings.push(`${JSON.stringify(dir)} cannot be given to group ${group}: ${(error as Error).message}`);
  }
  // mkdir took the umask's bits away. After chown, which clears set-group-id.
  if (mode !== undefined) chmodSync(dir, mode);
  return true;
}

/**
 * As mkdir(1) -p. Node's own `recursive` never returns where a directory that is there refuses new ones with ENOENT, as
 * /proc does (ran: 20 to 26).
 */
function makeWithParents(dir: string): void {
  try {
    return mkdirSync(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(dir) === dir) throw error;
  }
  try {
    makeWithParents(dirname(dir));
  } catch (error) {
    // it was there, or another process has made it meanwhile
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  mkdirSync(dir);
}

/**
 * Checks a directory that is there, without changing anything; for readers too. Answers what is odd.
 *
 * @throws {PromMultiprocError} ERR_DIRECTORY_REFUSED for a symlink or no directory; where it is derived, also for another
 *   owner and for permissions that let others write
 */
export function checkDirectory({ dir, derived }: LocatedDirectory): string[] {
  const stats = lstatSync(dir);
  const quoted = JSON.stringify(dir);
  const instead = 'name a directory of your own in PROMETHEUS_MULTIPROC_DIR';
  if (stats.isSymbolicLink()) {
    throw refused(`${quoted} is a symbolic link, which somebody could turn elsewhere: name its target, or ${instead}`);
  }
  if (!stats.isDirectory()) throw refused(`${quoted} is not a directory: remove it, or ${instead}`);
  const uid = process.geteuid?.();
  const isForeign = uid !== undefined && stats.uid !== uid;
  const isOpenToAll = process.platform !== 'win32' && (stats.mode & 0o002) !== 0;
  if (derived) {
    if (isForeign) throw refused(`${quoted} belongs to uid ${stats.uid}, this is uid ${uid}: remove it, or ${instead}`);
    if (isOpenToAll) throw refused(`${quoted} may be written by every user: chmod 700 it, or ${instead}`);
    return [];
  }
  return oddities(quoted, stats, isForeign, isOpenToAll);
}

function oddities(quoted: string, stats: Stats, isForeign: boolean, isOpenToAll: boolean): string[] {
  const warnings: string[] = [];
  if (isForeign) warnings.push(`${quoted} belongs to another user (uid ${stats.uid})`);
  if (isOpenToAll && (stats.mode & 0o1000) === 0) {
    warnings.push(`${quoted} may be written by every user and has no sticky bit: any of them can remove these metrics`);
  }
  return warnings;
}

function refused(reason: string): PromMultiprocError {
  return new PromMultiprocError('ERR_DIRECTORY_REFUSED', `The metrics directory is refused: ${reason}`);
}
