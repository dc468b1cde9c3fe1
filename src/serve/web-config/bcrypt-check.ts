import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { compare } from 'bcryptjs';
import { TaskThread } from '../../collector/task-thread.js';
import { describeError } from '../../errors.js';
import { warnOnce } from '../../warn-once.js';
import type { BcryptTask } from './bcrypt-thread.js';

/** Comparisons that may wait: at cost 10 the last of them waits some 10 s. */
const LONGEST_QUEUE = 100;
/** Milliseconds after which the idle thread (9 MiB) ends; scrapers' credentials are remembered, so it seldom works. */
const IDLE_MS = 5000;

/**
 * Compares passwords with bcrypt hashes, one at a time, however many ask: in a thread, so that guessing passwords costs
 * the application at most one core and none of its event loop: 20 comparisons at cost 10 held it for 211 ms at a time
 * inline, though by bcryptjs' asynchronous call, and for 13 ms from the thread, on a busy machine (ran).
 */
export class BcryptCheck {
  readonly #thread: TaskThread<BcryptTask, boolean> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @param threadFile is absent when an application was bundled into one file; then the slices run inline. */
  constructor(threadFile = join(__dirname, 'bcrypt-thread.js')) {
    // without the application's environment, which it has no use for
    if (existsSync(threadFile)) this.#thread = new TaskThread({ file: threadFile, idleMs: IDLE_MS, env: {} });
  }

  /** @returns undefined when too many wait already. */
  compare(password: string, hash: string): Promise<boolean> | undefined {
    if (this.#waiting >= LONGEST_QUEUE) return undefined;
    this.#waiting++;
    const result = this.#last.then(() => this.#compareNow(password, hash));
    this.#last = result.then(
      () => this.#waiting--,
      () => this.#waiting--,
    );
    return result;
  }

  async close(): Promise<void> {
    await this.#thread?.close();
  }

  async #compareNow(password: string, hash: string): Promise<boolean> {
    try {
      if (this.#thread !== undefined) return await this.#thread.run({ password, hash });
    } catch (error) {
      warnOnce('bcrypt thread', `passwords are compared on the main thread: ${describeError(error)}`);
    }
    return compare(password, hash);
  }
}
