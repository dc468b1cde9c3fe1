import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { compare } from 'bcryptjs';
import { TaskThread } from '../../collector/task-thread.js';
import { describeError } from '../../errors.js';
import { warnOnce } from '../../warn-once.js';
import { FairQueue } from './fair-queue.js';
import type { BcryptTask } from './bcrypt-thread.js';

/** Comparisons that may be there: at cost 10 the last of one lane waits some 10 s. */
const LONGEST_QUEUE = 100;
/** Milliseconds after which the idle thread (9 MiB) ends; scrapers' credentials are remembered, so it seldom works. */
const IDLE_MS = 5000;

/**
 * Compares passwords with bcrypt hashes, one at a time, whatever number of clients ask: in a thread, so that guessing passwords costs
 * the application at most one core and none of its event loop: 20 comparisons at cost 10 held it for 211 ms at a time
 * inline, though by bcryptjs' asynchronous call, and for 13 ms from the thread, on a busy machine (ran).
 */
export class BcryptCheck {
  readonly #thread: TaskThread<BcryptTask, boolean> | undefined;
  readonly #queue = new FairQueue(LONGEST_QUEUE);

  /** @param threadFile is absent when an application was bundled into one file; then the slices run inline. */
  constructor(threadFile = join(__dirname, 'bcrypt-thread.js')) {
    // without the application's environment, which it has no use for
    if (existsSync(threadFile)) this.#thread = new TaskThread({ file: threadFile, idleMs: IDLE_MS, env: {} });
  }

  /**
   * @param lane comparisons of several lanes take turns
   * @returns undefined, at once or later, where too many wait
   */
  compare(password: string, hash: string, lane = ''): Promise<boolean | undefined> | undefined {
    return this.#queue.run(lane, () => this.#compareNow(password, hash));
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
