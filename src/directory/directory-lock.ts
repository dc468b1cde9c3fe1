/**
 * The lock on a whole directory, `dir.lock`: every process that uses the directory holds it shared for its whole life; a
 * process that empties or removes the directory takes it exclusively. The kernel releases it when its holder dies.
 */
import { closeSync, constants, fchmodSync, fchownSync, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { native } from '../metrics-file/mapping.js';
import { DIRECTORY_LOCK } from './file-name.js';
import { isStillAt, openLockFile } from './lock-file.js';

export interface LockPermissions {
  readonly fileMode?: number;
  readonly group?: number;
}

/**
 * Takes the lock shared, without waiting. Returns its file descriptor, as long as which is open the lock is held; 'held'
 * where another program has it exclusively; undefined where there are no locks here or the file may not be opened.
 *
 * @param permissions of the lock file; without them, a missing file is not created
 * @throws {NodeJS.ErrnoException} ENOENT where the directory is missing
 */
export function holdDirectory(dir: string, permissions: LockPermissions | undefined): number | 'held' | undefined {
  const locks = native();
  if (locks === undefined) return undefined;
  let fd: number;
  try {
    fd = openDirectoryLock(dir, constants.O_RDONLY, permissions);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return undefined;
    lstatSync(dir);
    return undefined;
  }
  // a lock on a file that was removed meanwhile has no effect
  if (locks.lockShared(fd) && isStillAt(join(dir, DIRECTORY_LOCK), fd)) return fd;
  closeSync(fd);
  return 'held';
}

/**
 * Takes the lock exclusively, without waiting. Returns its file descriptor; 'held' where a process uses the directory;
 * undefined where there are no locks here or the file may not be opened.
 */
export function seizeDirectory(dir: string): number | 'held' | undefined {
  const locks = native();
  if (locks === undefined) return undefined;
  let fd: number;
  try {
    // Opened for writing: NFS implements it by a lock on a byte range, and gives an exclusive lock to no other descriptor.
    fd = openDirectoryLock(dir, constants.O_RDWR, {});
  } catch {
    return undefined;
  }
  if (locks.lockExclusive(fd) && isStillAt(join(dir, DIRECTORY_LOCK), fd)) return fd;
  closeSync(fd);
  return 'held';
}

/**
 * Locks the directory itself, shared. systemd-tmpfiles skips a directory that it cannot lock (tested); otherwise it deletes
 * every file that was not touched for long, also `dir.lock` and the archive.
 *
 * @returns the descriptor that holds the lock; undefined where the lock is not available, for example while a cleaner works
 */
export function lockAgainstCleaners(dir: string): number | undefined {
  const locks = native();
  if (locks === undefined) return undefined;
  try {
    const fd = openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY);
    if (locks.lockShared(fd)) return fd;
    closeSync(fd);
  } catch {
    // not readable for this user, or removed
  }
  return undefined;
}

function openDirectoryLock(dir: string, access: number, permissions: LockPermissions | undefined): number {
  const { fileMode: mode = 0o600, group } = permissions ?? {};
  const creation = permissions && { mode, admit: (fd: number) => admit(fd, mode, group) };
  return openLockFile(join(dir, DIRECTORY_LOCK), access, creation);
}

/** Lets readers open the lock file: a reader that cannot does not protect the directory from being swept. */
function admit(fd: number, fileMode: number, group: number | undefined): void {
  try {
    if (group !== undefined) fchownSync(fd, process.geteuid?.() ?? 0, group);
    fchmodSync(fd, fileMode);
  } catch {
    // not a member of the group: this is logged for the directory already
  }
}
