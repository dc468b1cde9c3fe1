/**
 * When a file that is not mapped is written: a quarter of a second after it was written last, so that a SIGKILL loses no
 * more than that of a process whose event loop turns (and what it counted since, of one that it holds up); later where
 * writing takes long, so that the application has the thread for itself 19 parts in 20.
 */
export const FLUSH_INTERVAL_MS = 250;
const PAUSES_PER_FLUSH = 19;

export class FlushSchedule {
  readonly #flush: () => void;
  #dueAt = -Infinity;

  /** @param flush must not throw */
  constructor(flush: () => void) {
    this.#flush = flush;
  }

  /** Milliseconds until the next flush; not positive where it is due. */
  get dueInMs(): number {
    return this.#dueAt - performance.now();
  }

  /** Flushes now. */
  flush(): void {
    const startedAt = performance.now();
    this.#flush();
    const endedAt = performance.now();
    this.#dueAt = endedAt + Math.max(FLUSH_INTERVAL_MS, (endedAt - startedAt) * PAUSES_PER_FLUSH);
  }

  flushIfDue(): void {
    if (this.dueInMs <= 0) this.flush();
  }

  /** Flushes on a timer from here on, which does not keep the process. */
  start(): void {
    this.flushIfDue();
    setTimeout(() => this.start(), Math.max(1, this.dueInMs)).unref();
  }
}
