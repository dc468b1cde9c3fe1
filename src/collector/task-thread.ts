import type { Piscina } from 'piscina';
import { eventLoopTurn } from '../time-slices.js';

export interface TaskThreadOptions {
  /** The compiled module whose default export runs a task. */
  readonly file: string;
  /** The idle thread ends after this many milliseconds; the next task starts another. */
  readonly idleMs: number;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * The heap of young objects. By default it grows to 48 MB in each process that serves, and keeps them; with this limit an index of 8 ×
 * 25,000 counters took 9 MB less, in the same time (Node 20).
 */
const YOUNG_MB = 8;

/**
 * A piscina thread that runs one task at a time, and whose failure is an error of its task and nothing else.
 * By default piscina (tested with 5.3) reports a thread that fails before it is ready, for example because of a module that the
 * application preloads, by an 'error' event, which ends a process without a listener. And where a thread ends without an
 * error, the tasks in its queue wait for ever.
 */
export class TaskThread<Task, Result> {
  readonly #options: TaskThreadOptions;
  #pool: Piscina | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor(options: TaskThreadOptions) {
    this.#options = options;
  }

  /**
   * Runs a task in the thread, which is started if there is none. Do not call it before the last task is done.
   *
   * @throws the error of the task, or the reason why the thread ended before its task
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

  /** Whether there was a task since the thread was created or closed. */
  get isOpen(): boolean {
    return this.#pool !== undefined;
  }

  /** Ends the thread. The present task fails. The next one starts another thread. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    await pool?.destroy();
  }

  async #newPool(): Promise<Piscina> {
    // loaded here and not at the top: a process that serves nothing, or little, does not need it
    const { Piscina } = await import('piscina');
    const { file, idleMs, env } = this.#options;
    // without the application's flags: modules that it preloads are of no use here
    const pool = new Piscina({
      ...{ filename: file, minThreads: 0, maxThreads: 1, idleTimeout: idleMs, execArgv: [], env },
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
    const lose = (error: Error): void => {
      this.#fail?.(error);
      // such a pool starts no further threads
      if (this.#pool === pool) void this.close();
    };
    pool.on('error', lose);
    pool.on('workerDestroy', async () => {
      const fail = this.#fail;
      if (fail === undefined) return;
      // if there is an error, its event follows right after this one
      await eventLoopTurn();
      if (fail === this.#fail) lose(new Error('the thread ended before its task was done'));
    });
    return pool;
  }
}
