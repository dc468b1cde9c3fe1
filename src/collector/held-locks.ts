/** Locks of a directory that another program keeps: folds are then off, or the directory cannot be kept from a sweeper. */
import { join } from 'node:path';
import { takenFoldLock } from '../archive/fold-lock.js';
import { DIRECTORY_LOCK } from '../directory/file-name.js';
import { lockHolder } from '../directory/lock-holder.js';
import type { OpenedDirectory } from '../directory/open-directory.js';
import { warnOnce } from '../warn-once.js';

/** 1 where another program holds the lock. */
export interface HeldLocks {
  readonly dir: 0 | 1;
  readonly fold: 0 | 1;
}

/** A fold takes seconds at most, a sweep milliseconds: a lock that is held for longer is not held by one of these. */
const LONG_MS = 60_000;

export class LockWatch {
  /** When each held lock was first seen held, on the clock of `performance.now()`, by its path. */
  readonly #heldSince = new Map<string, number>();

  /**
   * Called by every collection. Logs a lock once that is still held after a minute.
   *
   * @param now on the clock of `performance.now()`
   */
  held(dir: string, joined: OpenedDirectory | undefined, now = performance.now()): HeldLocks {
    const dirLock = joined?.isLockedByOther === true ? join(dir, DIRECTORY_LOCK) : undefined;
    const foldLock = takenFoldLock(dir);
    const paths = [dirLock, foldLock].filter((path) => path !== undefined);
    for (const path of [...this.#heldSince.keys()]) if (!paths.includes(path)) this.#heldSince.delete(path);
    for (const path of paths) this.#check(path, now);
    return { dir: dirLock === undefined ? 0 : 1, fold: foldLock === undefined ? 0 : 1 };
  }

  #check(path: string, now: number): void {
    const since = this.#heldSince.get(path) ?? now;
    this.#heldSince.set(path, since);
    if (now - since < LONG_MS) return;
    const pid = lockHolder(path);
    const holder = pid === undefined ? 'another program' : `process ${pid}`;
    warnOnce(
      `lock ${path}`,
      `${JSON.stringify(path)} has been locked by ${holder} for more than a minute, and nobody else can use it: ` +
        'end that program, for only prom-multiproc is to lock it',
    );
  }
}
