/**
 * Detects locks of a directory that another program holds: they prevent folds, or a lock that protects the directory from
 * being swept.
 */
import { join } from 'node:path';
import { takenFoldLock } from '../archive/fold-lock.js';
import { DIRECTORY_LOCK } from '../directory/file-name.js';
import { lockHolder } from '../directory/lock-file.js';
import type { OpenedDirectory } from '../directory/open-directory.js';
import { warnOnce } from '../warn-once.js';

/** 1 where another program holds the lock. */
export interface HeldLocks {
  readonly dir: 0 | 1;
  readonly fold: 0 | 1;
}

/** A fold takes seconds at most, a sweep milliseconds: neither of them holds a lock for longer. */
const LONG_MS = 60_000;

export class LockWatch {
  /** When each lock was first found held, by the clock of `performance.now()`; keyed by path. */
  readonly #heldSince = new Map<string, number>();

  /** Called by every collection. Logs once each lock that is still held after a minute. */
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
      `${JSON.stringify(path)} has been locked by ${holder} for more than a minute, and no other process can use it: ` +
        'end that program, because only prom-multiproc may lock it',
    );
  }
}
