/**
 * The lock on a whole directory, `dir.lock`: everyone who uses the directory holds it shared for life; who empties or
 * removes the directory takes it exclusively. The kernel gives it back when its holder dies.
 */
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { native } from '../metrics-file/mapping.js';
import { DIRECTORY_LOCK } from './file-name.js';

export interface LockPermissions {
  readonly fileMode?: number;
  readonly group?: number;
}

/** Who sweeps holds the lock for milliseconds: this many tries of this many, then go on without. */
const ATTEMPTS = 100;
const PAUSE_MS = 5;

/**
 * Takes the lock shared. Answers its file descriptor, which the kernel ties the lock to, or undefined where there are no
 * locks here, the file may not be opened, or somebody keeps it locked exclusively.
 *
 * @param remake called when the directory is found missing, for a sweeper may remove it while this call waits
 */
export function holdDirectory(dir: string, permissions: LockPermissions, remake: () => void): number | undefined {
  const locks = native();
  if (locks === undefined) return undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    let fd: number;
    try {
      fd = openLockFile(dir, constants.O_RDONLY, permissions);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return undefined;
      remake();
      continue;
    }
    const isLocked = locks.lockShared(fd);
    // A lock on a file that was removed while we waited for it guards nothing.
    if (isLocked && isStillThere(dir, fd)) return fd;
    closeSync(fd);
    if (!isLocked) pause();
  }
  return undefined;
}

/**
 * Takes the lock exclusively, without waiting. Answers its file descriptor; 'held' where somebody uses the directory;
 * undefined where there are no locks here or the file may not be opened.
 */
export function seizeDirectory(dir: string): number | 'held' | undefined {
  const locks = native();
  if (locks === undefined) return undefined;
  let fd: number;
  try {
    // For writing: NFS, which locks byte ranges for it, gives an exclusive lock to no other descriptor.
    fd = openLockFile(dir, constants.O_RDWR, {});
  } catch {
    return undefined;
  }
  if (locks.lockExclusive(fd) && isStillThere(dir, fd)) return fd;
  closeSync(fd);
  return 'held';
}

/** Never through a symlink, and never creating what somebody else has put there meanwhile. */
function openLockFile(dir: string, access: number, { fileMode = 0o600, group }: LockPermissions): number {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  const path = join(dir, DIRECTORY_LOCK);
  for (;;) {
    try {
      return openSync(path, access | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    try {
      const fd = openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, fileMode);
      admit(fd, fileMode, group);
      return fd;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Lets those in whom the application lets read: who may not open the lock cannot keep the directory from being swept. */
function admit(fd: number, fileMode: number, group: number | undefined): void {
  try {
    if (group !== undefined) fchownSync(fd, process.geteuid?.() ?? 0, group);
    fchmodSync(fd, fileMode);
  } catch {
    // Not a member of the group: said about the directory already.
  }
}

function isStillThere(dir: string, fd: number): boolean {
  try {
    return lstatSync(join(dir, DIRECTORY_LOCK)).ino === fstatSync(fd).ino;
  } catch {
    return false;
  }
}

function pause(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}
