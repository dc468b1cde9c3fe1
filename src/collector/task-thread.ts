import type { Piscina } from 'piscina';
import { eventLoopTurn } from './event-loop-turn.js';

export interface TaskThreadOptions {
  /** The compiled module whose default export does a task. */
  readonly file: string;
  /** Milliseconds after which the idle thread ends; the next task starts another. */
  readonly idleMs: number;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * A thread of piscina's that does one task at a time, and whose failure is an error of its task and nothing else.
 *
 * Left to itself piscina (5.3, ran) tells of a thread that fails before it is ready, such as one that an application's
 * preloaded module throws in, by an 'error' event, which ends a process that does not listen; and where a thread ends
 * without an error, the tasks in its queue wait for ever.
 */
export class TaskThread<Task, Result> {
  readonly #options: TaskThreadOptions;
  #pool: Piscina | undefined;
  /** Of the task under way. */
  #fail: ((error: Error) => void) | undefined;

  constructor(options: TaskThreadOptions) {
    this.#options = options;
  }

  /**
   * Has a task done, in a thread that is started if there is none. Not to be called before the last task is done.
   *
   * @throws what the task throws, and what became of the thread if it ended before its task
   */
  async run(task: Task): Promise<Result> {
    const pool = (this.#pool ??= await this.#newPool());
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    try {
      return await Promise.race([pool.run(task) as Promise<Result>, failed]);
    } finally {
      this.#fail = undefined;
    }
  }

  /** Whether there was a task since it was made or closed. */
  get isOpen(): boolean {
    return this.#pool !== undefined;
  }

  /** Ends the thread. A task under way fails. The next one starts another thread. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
  }

  async #newPool(): Promise<Piscina> {
    // loaded here and not above: a process that never serves, or serves little, has no use for it
    const { Piscina } = await import('piscina');
    const { file, idleMs, env } = this.#options;
    // without the application's flags: what it preloads has no place here
    const pool = new Piscina({ filename: file, minThreads: 0, maxThreads: 1, idleTimeout: idleMs, execArgv: [], env });
    const lose = (error: Error): void => {
      this.#fail?.(error);
      // such a pool starts no further threads
      if (this.#pool === pool) void this.close();
    };
    pool.on('error', lose);
    pool.on('workerDestroy', async () => {
      const fail = this.#fail;
      if (fail === undefined) return;
      // where there is an error, it is told right after this
      await eventLoopTurn();
      if (fail === this.#fail) lose(new Error('the thread ended before its task was done'));
    });
    return pool;
  }
}
