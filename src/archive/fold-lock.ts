/**
 * Keeps concurrent folds apart. The kernel's lock on `fold.lock` excludes them. The directory of proper-lockfile beside it
 * excludes processes without such a lock, and replaces it where there is none. Both may fail, the second one often (two or
 * more holders in 25 of 400 rounds when a stale one was taken over). The counts stay correct nevertheless, because of the
 * way archives are published.
 */
import { closeSync, constants, existsSync, lstatSync, readSync, rmdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type * as properLockfile from 'proper-lockfile';
import { native } from '../metrics-file/mapping.js';
import { openFile, whileOpen } from '../metrics-file/open-file.js';
import { FOLD_LOCK, FOLD_LOCK_DIRECTORY } from '../directory/file-name.js';
import { type FilePermissions, openLockFile } from '../directory/lock-file.js';

export interface FoldLockOptions extends FilePermissions {
  /** Whether to use proper-lockfile, which adds listeners for signals: not on an application's main thread. */
  readonly properLockfile: boolean;
}

/**
 * When a fold without the kernel's lock is killed, its directory excludes others for this time. A living fold ends earlier,
 * or does no harm.
 */
const STALE_MS = 10_000;

/** The first byte of `fold.lock` while the fold that holds the kernel's lock may have made the directory beside it. */
const TAKEN = '1';
const FREE = '0';

/**
 * Takes both locks, without waiting. Returns a function that gives them up, or 'locked'.
 *
 * @throws {NodeJS.ErrnoException} EACCES, EROFS, ... where this process may not fold here
 */
export function takeFoldLock(dir: string, options: FoldLockOptions): (() => void) | 'locked' {
  const locks = native();
  const fd = locks === undefined ? undefined : openFoldLock(dir, options);
  const giveBack = (): void => {
    if (fd !== undefined) closeSync(fd);
  };
  if (fd !== undefined && locks?.lockExclusive(fd) === false) {
    giveBack();
    return 'locked';
  }
  removeDeadLock(dir, fd);
  if (!options.properLockfile) return giveBack;
  try {
    if (fd !== undefined) note(fd, TAKEN);
    const release = lockDirectory(dir);
    return () => {
      release();
      if (fd !== undefined) note(fd, FREE);
      giveBack();
    };
  } catch (error) {
    if (fd !== undefined) note(fd, FREE);
    giveBack();
    if ((error as NodeJS.ErrnoException).code === 'ELOCKED') return 'locked';
    throw error;
  }
}

/** Path of the lock that excludes a fold now; undefined where a fold could begin. It only looks, and creates nothing. */
export function takenFoldLock(dir: string): string | undefined {
  const made = lstatSync(join(dir, FOLD_LOCK_DIRECTORY), { throwIfNoEntry: false });
  if (made !== undefined && Math.abs(Date.now() - made.mtimeMs) < STALE_MS) return join(dir, FOLD_LOCK_DIRECTORY);
  const path = join(dir, FOLD_LOCK);
  try {
    const isHeld = whileOpen(openFile(path, constants.O_RDONLY), (fd) => native()?.lockShared(fd) === false);
    return isHeld ? path : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Removes the directory of a killed fold: one that held the kernel's lock, which this process holds now; or one that a
 * wrong clock dated so far in the future that proper-lockfile would never treat it as stale.
 */
function removeDeadLock(dir: string, fd: number | undefined): void {
  const path = join(dir, FOLD_LOCK_DIRECTORY);
  const made = lstatSync(path, { throwIfNoEntry: false });
  if (made === undefined) return;
  const isOfDead = fd !== undefined && noted(fd) === TAKEN;
  if (!isOfDead && made.mtimeMs < Date.now() + STALE_MS) return;
  try {
    rmdirSync(path);
  } catch {
    // not permitted, or given up meanwhile: the attempt to take the lock shows that
  }
}

function noted(fd: number): string {
  const byte = Buffer.alloc(1);
  return byte.toString('latin1', 0, readSync(fd, byte, 0, 1, 0));
}

/** Where another user's lock file may only be read, the directory of a killed fold has to become stale. */
function note(fd: number, state: typeof TAKEN | typeof FREE): void {
  try {
    writeSync(fd, state, 0);
  } catch {
    // see the comment of this function
  }
}

function openFoldLock(dir: string, permissions: FilePermissions): number {
  const path = join(dir, FOLD_LOCK);
  try {
    return openLockFile(path, constants.O_RDWR, permissions);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES' || !existsSync(path)) throw error;
    // another user's file: a lock needs no write permission
    return openFile(path, constants.O_RDONLY);
  }
}

function lockDirectory(dir: string): () => void {
  // required here and not at the top: it replaces process.emit
  const { lockSync } = require('proper-lockfile') as typeof properLockfile;
  const release = lockSync(join(dir, FOLD_LOCK), {
    lockfilePath: join(dir, FOLD_LOCK_DIRECTORY),
    realpath: false,
    stale: STALE_MS,
    // without this, a lock that another process has taken over would end this one
    onCompromised: () => {},
  });
  return () => {
    try {
      release();
    } catch {
      // taken over as stale, and given up by the other process
    }
  };
}
