/** Files of which only the kernel's locks, a short record or the time matter: dir.lock, fold.lock, scraped, those of a push. */
import { constants, fchmodSync, fchownSync, fstatSync, lstatSync, statSync } from 'node:fs';
import { contents, openFile } from '../metrics-file/open-file.js';

/** Decide which users can use a file. */
export interface FilePermissions {
  /** Permission bits of files; default 0600. */
  readonly fileMode?: number;
  /** A group id for files; default: the system's choice. */
  readonly group?: number;
}

/**
 * Opens no symlink, and does not overwrite a file that another process has created meanwhile.
 *
 * @param access O_RDONLY, O_WRONLY or O_RDWR; a file that is created is open for reading and writing
 * @param permissions of a file that is created; without them, a missing file is not created
 * @throws {NodeJS.ErrnoException} ENOENT, EACCES, EROFS, …
 */
export function openLockFile(path: string, access: number, permissions: FilePermissions | undefined): number {
  const { O_RDWR, O_CREAT, O_EXCL } = constants;
  for (;;) {
    try {
      return openFile(path, access);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || permissions === undefined) throw error;
    }
    try {
      const fd = openFile(path, O_RDWR | O_CREAT | O_EXCL, permissions.fileMode ?? 0o600);
      admit(fd, permissions);
      return fd;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** Lets other users open a new file. */
function admit(fd: number, { fileMode = 0o600, group }: FilePermissions): void {
  try {
    if (group !== undefined) fchownSync(fd, -1, group);
    fchmodSync(fd, fileMode);
  } catch {
    // not a member of the group, which is logged for the directory already: its members cannot use this file
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

/** The process that holds an exclusive flock(2) on a file, as far as this system and namespace show it. */
export function lockHolder(path: string): number | undefined {
  try {
    const { dev, ino } = statSync(path);
    // the encoding of device numbers in Linux
    const major = (dev >> 8) & 0xfff;
    const minor = (dev & 0xff) | ((dev >> 12) & 0xfff00);
    const file = [major, minor].map((number) => number.toString(16).padStart(2, '0')).join(':');
    const line = new RegExp(`FLOCK +ADVISORY +WRITE +(\\d+) +${file}:${ino} `).exec(contents('/proc/locks'));
    // a process of another pid namespace has the number 0
    return Number(line?.[1]) || undefined;
  } catch {
    return undefined;
  }
}
