/**
 * The kernel's locks of a push. The leader holds `push-<id>.lock` exclusively. Every process that could lead holds
 * `push-<id>.members` shared, so that a leader that ends finds out whether another process remains.
 */
import { closeSync, constants, fchmodSync, fchownSync, fstatSync, lstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { native } from '../metrics-file/mapping.js';
import { DIRECTORY_LOCK, pushLockName, pushMembersName } from './file-name.js';
import { type PushRecord, readPushRecord, writePushRecord } from './push-record.js';

export class PushLock {
  readonly #paths: { readonly lock: string; readonly members: string };
  readonly #lock: number;
  #members: number;
  #isHeld = false;

  /** Opens the files, and creates them where they are missing. @throws {NodeJS.ErrnoException} ENOENT, EACCES, EROFS, … */
  constructor(
    readonly dir: string,
    id: string,
  ) {
    this.#paths = { lock: join(dir, pushLockName(id)), members: join(dir, pushMembersName(id)) };
    this.#lock = openLockFile(dir, this.#paths.lock);
    try {
      this.#members = openLockFile(dir, this.#paths.members);
    } catch (error) {
      closeSync(this.#lock);
      throw error;
    }
    // it fails only while a process is about to end as the last one, which then is not the last
    native()?.lockShared(this.#members);
  }

  /** Path of the file that the leader has locked. */
  get path(): string {
    return this.#paths.lock;
  }

  /** False where a cleaner of temporary files has removed or replaced a file: the locks have no effect any more. */
  get isValid(): boolean {
    return isAt(this.#paths.lock, this.#lock) && isAt(this.#paths.members, this.#members);
  }

  /** Whether this process leads; undefined where there are no locks of the kernel. */
  take(): boolean | undefined {
    const locks = native();
    if (locks === undefined) return undefined;
    this.#isHeld ||= locks.lockExclusive(this.#lock);
    return this.#isHeld;
  }

  read(): PushRecord | undefined {
    return readPushRecord(this.#lock);
  }

  write(record: PushRecord): void {
    writePushRecord(this.#lock, record);
  }

  /** Whether no other process could lead, and none can join until `close`. */
  excludeOthers(): boolean {
    closeSync(this.#members);
    this.#members = openLockFile(this.dir, this.#paths.members);
    return native()?.lockExclusive(this.#members) === true;
  }

  /** Gives up all locks. */
  close(): void {
    closeSync(this.#lock);
    closeSync(this.#members);
  }
}

/** Opens no symlink. A new file gets the permissions of `dir.lock`, which users of the directory may open. */
function openLockFile(dir: string, path: string): number {
  const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  for (;;) {
    try {
      return openSync(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    try {
      const fd = openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
      admitUsersOf(join(dir, DIRECTORY_LOCK), fd);
      return fd;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function admitUsersOf(directoryLock: string, fd: number): void {
  try {
    const { mode, gid } = lstatSync(directoryLock);
    fchownSync(fd, -1, gid);
    fchmodSync(fd, mode & 0o666);
  } catch {
    // no such file, or not a member of the group: other users cannot push
  }
}

function isAt(path: string, fd: number): boolean {
  const there = lstatSync(path, { throwIfNoEntry: false });
  return there !== undefined && there.ino === fstatSync(fd).ino;
}
