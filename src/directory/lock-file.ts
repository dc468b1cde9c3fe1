/** Files of which only the kernel's locks, or a short record, matter: `dir.lock`, and those of a push. */
import { constants, fstatSync, lstatSync, openSync } from 'node:fs';

/** How a missing lock file is created. */
export interface LockFileCreation {
  readonly mode: number;
  /** Gives other users access to the new file. */
  readonly admit: (fd: number) => void;
}

/**
 * Opens no symlink, and does not overwrite a file that another process has created meanwhile.
 *
 * @param access O_RDONLY or O_RDWR; a file that is created is open for both
 * @param creation without it, a missing file is not created
 * @throws {NodeJS.ErrnoException} ENOENT, EACCES, EROFS, …
 */
export function openLockFile(path: string, access: number, creation: LockFileCreation | undefined): number {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  for (;;) {
    try {
      return openSync(path, access | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || creation === undefined) throw error;
    }
    try {
      const fd = openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, creation.mode);
      creation.admit(fd);
      return fd;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** False for a file that was removed or replaced since it was opened: locks on it have no effect any more. */
export function isStillAt(path: string, fd: number): boolean {
  try {
    return lstatSync(path).ino === fstatSync(fd).ino;
  } catch {
    return false;
  }
}
