import { existsSync } from 'node:fs';
import { compare } from 'bcryptjs';
import { TaskThread } from '../../collector/task-thread.js';
import { describeError } from '../../errors.js';
import { programFile } from '../../program-file.js';
import { warnOnce } from '../../warn-once.js';
import { FairQueue } from './fair-queue.js';
import type { BcryptTask } from './bcrypt-thread.js';

/** Maximum number of comparisons that wait or run: at cost 10 the last one of a full lane waits about 10 s. */
const MAX_QUEUE_LENGTH = 100;
/** The idle thread (9 MiB) ends after so many milliseconds. It seldom works, since scrapers' credentials are remembered. */
const IDLE_MS = 5000;

/**
 * Compares passwords with bcrypt hashes, one at a time for all clients, in a thread. So a client that guesses passwords costs
 * the application at most one core, and does not block its event loop: on a busy machine 20 comparisons at cost 10 blocked the
 * event loop for up to 211 ms on the main thread, although by bcryptjs' asynchronous call, and for 13 ms from the thread (measured).
 */
export class BcryptCheck {
  readonly #thread: TaskThread<BcryptTask, boolean> | undefined;
  readonly #queue = new FairQueue(MAX_QUEUE_LENGTH);

  /** @param threadFile does not exist where the application was bundled into one file; then bcryptjs runs on this thread */
  constructor(threadFile = programFile('serve/web-config/bcrypt-thread.js')) {
    // the thread does not need the application's environment
    if (existsSync(threadFile)) this.#thread = new TaskThread({ file: threadFile, idleMs: IDLE_MS, env: {} });
  }

  /**
   * @param lane comparisons of different lanes take turns
   * @returns undefined, at once or later, where too many comparisons wait
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
