/**
 * When a file that is not mapped is written: a quarter of a second after it was written last, so that a SIGKILL loses no
 * more than that of a process whose event loop turns (and what it counted since, of one that holds it up). Later where
 * writing always takes long, so that the application has the thread for itself 19 parts in 20: a network file system may
 * be slow, and what waits for it is the application.
 */
export const FLUSH_INTERVAL_MS = 250;
const PAUSES_PER_FLUSH = 19;
/** The shortest of so many counts: one that the scheduler interrupted is no measure of the disk. */
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

  /** Milliseconds until a flush ahead of time leaves the application its share; not positive where one does now. */
  get affordableInMs(): number {
    return this.#affordableAt - performance.now();
  }

  /** Flushes now. */
  flush(): void {
    const startedAt = performance.now();
    this.#flush();
    const endedAt = performance.now();
    this.#tookMs.shift();
    this.#tookMs.push(endedAt - startedAt);
    this.#affordableAt = endedAt + Math.min(...this.#tookMs) * PAUSES_PER_FLUSH;
    this.#dueAt = Math.max(endedAt + FLUSH_INTERVAL_MS, this.#affordableAt);
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
