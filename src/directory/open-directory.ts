/** Creates and opens the directory that a process counts in. */
import { chmodSync, chownSync, closeSync, existsSync, fstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { checkDirectory } from './check-directory.js';
import type { ChosenDirectory } from './choose.js';
import { holdDirectory, lockAgainstCleaners } from './directory-lock.js';
import type { FilePermissions } from './lock-file.js';
import { sweepSoon } from './sweep.js';

export interface DirectoryPermissions extends FilePermissions {
  /**
   * Permission bits of a directory that is created here; default 0700 for a derived one, otherwise those that the umask
   * leaves. Such a directory gets the `group` too.
   */
  readonly dirMode?: number;
}

/** A directory that exists, was checked, and is locked where that is possible. */
export class OpenedDirectory {
  readonly dir: string;
  readonly source: ChosenDirectory['source'];
  readonly derived: boolean;
  readonly fileMode: number;
  readonly group: number | undefined;
  readonly warnings: readonly string[];
  #lock: number | 'held' | undefined;
  #cleanersLock: number | undefined;

  constructor(chosen: ChosenDirectory, { fileMode = 0o600, group }: DirectoryPermissions, warnings: readonly string[]) {
    const checked = checkDirectory(chosen);
    this.dir = checked.dir;
    this.source = chosen.source;
    this.derived = chosen.derived;
    this.fileMode = fileMode;
    this.group = group;
    this.warnings = [...warnings, ...checked.warnings];
  }

  /** Whether this process holds the shared lock, which protects the directory from being swept. */
  get isLocked(): boolean {
    return typeof this.#lock === 'number';
  }

  /** Whether another program held the exclusive lock at the last attempt to take the shared one. */
  get isLockedByOther(): boolean {
    return this.#lock === 'held';
  }

  /**
   * Takes the shared lock if it is free and not held yet; creates its file if `makesFile`. Takes it again where a cleaner
   * of temporary files has deleted that file.
   *
   * @throws {NodeJS.ErrnoException} ENOENT where the directory was removed
   */
  lock({ makesFile }: { makesFile: boolean }): void {
    if (typeof this.#lock === 'number' && fstatSync(this.#lock).nlink === 0) this.close();
    if (!this.isLocked) this.#lock = holdDirectory(this.dir, makesFile ? this : undefined);
    if (this.isLocked) this.#cleanersLock ??= lockAgainstCleaners(this.dir);
  }

  close(): void {
    if (typeof this.#lock === 'number') closeSync(this.#lock);
    if (this.#cleanersLock !== undefined) closeSync(this.#cleanersLock);
    this.#lock = this.#cleanersLock = undefined;
  }
}

const DERIVED_DIRECTORY_MODE = 0o700;
/** A sweep holds the lock for milliseconds. Another program may hold it for any time, so it is not worth a longer wait. */
const PAUSE_MS = 5;
/** A sweep may remove the directory after it was created and before it was locked. */
const MAX_REMAKES = 3;

/**
 * Creates the directory if it is missing, checks it and takes its shared lock, which is held until close(). A derived
 * directory is created private, and is refused where it belongs to another user. On later turns of the event loop, derived
 * directories of ended applications beside it are swept.
 *
 * @throws {PromMultiprocError} ERR_DIRECTORY_REFUSED
 * @throws {NodeJS.ErrnoException} of mkdir(2): EACCES, ENOSPC, EROFS, ...
 */
export function openDirectory(chosen: ChosenDirectory, permissions: DirectoryPermissions = {}): OpenedDirectory {
  for (let attempt = 1; ; attempt++) {
    const warnings: string[] = [];
    const isNew = makeDirectory(chosen, permissions, warnings);
    try {
      const opened = new OpenedDirectory(chosen, permissions, warnings);
      opened.lock({ makesFile: true });
      if (opened.isLockedByOther) {
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
        opened.lock({ makesFile: true });
      }
      // a thread takes no locks, and without them nothing may be swept
      if (isNew && chosen.derived && isMainThread) void sweepSoon(dirname(chosen.dir));
      return opened;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || attempt > MAX_REMAKES) throw error;
    }
  }
}

/**
 * The same for a process that does not count there: creates no directory. Undefined where there is none yet.
 *
 * @param permissions of the lock file; without them, this process creates none
 */
export function joinDirectory(
  chosen: ChosenDirectory,
  permissions?: DirectoryPermissions,
): OpenedDirectory | undefined {
  try {
    const opened = new OpenedDirectory(chosen, permissions ?? {}, []);
    opened.lock({ makesFile: permissions !== undefined });
    return opened;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Whether it was missing. */
function makeDirectory(
  { dir, derived }: ChosenDirectory,
  { dirMode, group }: DirectoryPermissions,
  warnings: string[],
): boolean {
  const mode = dirMode ?? (derived ? DERIVED_DIRECTORY_MODE : undefined);
  try {
    if (derived) mkdirSync(dir, { mode });
    else if (existsSync(dir)) return false;
    else makeWithParents(dir);
  } catch (error) {
    // EEXIST: also where the name is that of a file, which the check reports better.
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    if (group !== undefined) chownSync(dir, process.geteuid?.() ?? 0, group);
  } catch (error) {
    warnings.push(`${JSON.stringify(dir)} cannot be given to group ${group}: ${(error as Error).message}`);
  }
  // mkdir has applied the umask. Called after chown, which clears set-group-id.
  if (mode !== undefined) chmodSync(dir, mode);
  return true;
}

/**
 * Like mkdir -p. Node's own `recursive` never returns where an existing directory refuses new ones with ENOENT, as /proc
 * does (tested with 20 to 26).
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
    // it existed, or another process has created it meanwhile
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  mkdirSync(dir);
}
