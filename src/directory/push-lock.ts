/**
 * The kernel's locks of a push. The leader holds `push-<id>.lock` exclusively. Every process that could lead holds
 * `push-<id>.members` shared, so that a leader that ends finds out whether another process remains.
 */
import { closeSync, constants, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { native } from '../metrics-file/mapping.js';
import { DIRECTORY_LOCK, pushLockName, pushMembersName } from './file-name.js';
import { type FilePermissions, isStillAt, openLockFile } from './lock-file.js';
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
    this.#lock = openPushFile(dir, this.#paths.lock);
    try {
      this.#members = openPushFile(dir, this.#paths.members);
    } catch (error) {
      closeSync(this.#lock);
      throw error;
    }
    // it fails only while a process is about to end as the last one, which then is not the last
    native()?.lockShared(this.#members);
  }

  get path(): string {
    return this.#paths.lock;
  }

  /** False where a cleaner of temporary files has removed or replaced a file: the locks have no effect any more. */
  get isValid(): boolean {
    return isStillAt(this.#paths.lock, this.#lock) && isStillAt(this.#paths.members, this.#members);
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
    this.#members = openPushFile(this.dir, this.#paths.members);
    return native()?.lockExclusive(this.#members) === true;
  }

  close(): void {
    closeSync(this.#lock);
    closeSync(this.#members);
  }
}

function openPushFile(dir: string, path: string): number {
  return openLockFile(path, constants.O_RDWR, permissionsOf(join(dir, DIRECTORY_LOCK)));
}

/** A new file gets the permissions of `dir.lock`, which users of the directory may open. */
function permissionsOf(directoryLock: string): FilePermissions {
  const stats = lstatSync(directoryLock, { throwIfNoEntry: false });
  return stats === undefined ? {} : { fileMode: stats.mode & 0o666, group: stats.gid };
}
