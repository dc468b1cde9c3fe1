/**
 * Decides when a file that is not mapped is written: a quarter of a second after the last flush, so that a SIGKILL loses no
 * more than that, if the event loop turns (and everything since the last turn, if it is blocked). The interval grows where
 * a flush always takes long, so that the application has 19 parts in 20 of the thread: a network file system may be slow,
 * and the application has to wait for it.
 */
export const FLUSH_INTERVAL_MS = 250;
const PAUSES_PER_FLUSH = 19;
/** The shortest of this many flushes counts: a flush that the scheduler interrupted does not measure the disk. */
const FLUSHES_REMEMBERED = 3;

export class FlushSchedule {
  readonly #flush: () => void;
  #dueAt = -Infinity;
  #affordableAt = -Infinity;
  readonly #tookMs: number[] = Array.from({ length: FLUSHES_REMEMBERED }, () => 0);

  /** @param flush must not throw */
  constructor(flush: () => void) {
    this.#flush = flush;
  }

  /** Milliseconds until the next flush; not positive where it is due. */
  get dueInMs(): number {
    return this.#dueAt - performance.now();
  }

  /** Milliseconds until an early flush leaves the application its share; not positive where it does now. */
  get affordableInMs(): number {
    return this.#affordableAt - performance.now();
  }

  flush(): void {
    const startedAt = performance.now();
    this.#flush();
    const endedAt = performance.now();
    this.#tookMs.shift();
    this.#tookMs.push(endedAt - startedAt);
    this.#affordableAt = endedAt + Math.min(...this.#tookMs) * PAUSES_PER_FLUSH;
    this.#dueAt = Math.max(endedAt + FLUSH_INTERVAL_MS, this.#affordableAt);
  }

  /** Starts a timer for flushes, which does not keep the process alive. */
  start(): void {
    if (this.dueInMs <= 0) this.flush();
    setTimeout(() => this.start(), Math.max(1, this.dueInMs)).unref();
  }
}
