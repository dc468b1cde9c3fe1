/**
 * The lock on a whole directory, `dir.lock`: every process that uses the directory holds it shared for its whole life; a
 * process that empties or removes the directory takes it exclusively. The kernel releases it when its holder dies.
 */
import { closeSync, constants, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { native } from '../metrics-file/mapping.js';
import { DIRECTORY_LOCK } from './file-name.js';
import { type FilePermissions, isStillAt, openLockFile } from './lock-file.js';

/**
 * Takes the lock shared, without waiting. Returns its file descriptor, as long as which is open the lock is held; 'held'
 * where another program has it exclusively; undefined where there are no locks here or the file may not be opened.
 *
 * @param permissions of the lock file; without them, a missing file is not created
 * @throws {NodeJS.ErrnoException} ENOENT where the directory is missing
 */
export function holdDirectory(dir: string, permissions: FilePermissions | undefined): number | 'held' | undefined {
  try {
    return lockDirectory(dir, 'lockShared', constants.O_RDONLY, permissions);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') lstatSync(dir);
    return undefined;
  }
}

/** The same exclusively; 'held' where a process uses the directory. */
export function seizeDirectory(dir: string): number | 'held' | undefined {
  try {
    // Opened for writing: NFS implements it by a lock on a byte range, and gives an exclusive lock to no other descriptor.
    return lockDirectory(dir, 'lockExclusive', constants.O_RDWR, {});
  } catch {
    return undefined;
  }
}

function lockDirectory(
  dir: string,
  lock: 'lockShared' | 'lockExclusive',
  access: number,
  permissions: FilePermissions | undefined,
): number | 'held' | undefined {
  const locks = native();
  if (locks === undefined) return undefined;
  const path = join(dir, DIRECTORY_LOCK);
  const fd = openLockFile(path, access, permissions);
  // a lock on a file that was removed meanwhile has no effect
  if (locks[lock](fd) && isStillAt(path, fd)) return fd;
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
