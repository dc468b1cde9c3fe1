import { MessageChannel } from 'node:worker_threads';

const SLICE_MS = 4;

/** Work in small steps. When a slice of time is over, the event loop turns before the next step. */
export class TimeSlices {
  readonly #sliceMs: number;
  readonly #keepsAlive: boolean;
  #until: number;

  /** @param keepsAlive whether the process waits for the work before it ends by itself */
  constructor(sliceMs = SLICE_MS, keepsAlive = true) {
    this.#sliceMs = sliceMs;
    this.#keepsAlive = keepsAlive;
    this.#until = performance.now() + sliceMs;
  }

  get isOver(): boolean {
    return performance.now() >= this.#until;
  }

  /** Runs steps until the slice is over, or to the last one. Returns the result of the last call of `next`. */
  advance<T>(steps: Iterator<void, T>): IteratorResult<void, T> {
    for (;;) {
      const step = steps.next();
      if (step.done === true || this.isOver) return step;
    }
  }

  /** Runs all steps. Returns their result. */
  async run<T>(steps: Iterator<void, T>): Promise<T> {
    for (;;) {
      const { done, value } = this.advance(steps);
      if (done === true) return value;
      await this.next();
    }
  }

  async next(): Promise<void> {
    await eventLoopTurn(this.#keepsAlive);
    this.#until = performance.now() + this.#sliceMs;
  }
}

/** Runs all steps at once. Returns their result. */
export function completed<T>(steps: Iterator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/**
 * Lets the event loop turn once. `setImmediate` would be the usual way, but tests of applications replace it: with their
 * fake timers it never fires, and a caller would wait for the metrics for ever. A message costs 5 µs more.
 *
 * @param keepsAlive whether the process waits for the turn before it ends by itself
 */
export function eventLoopTurn(keepsAlive = true): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.once('message', () => {
      port1.close();
      resolve();
    });
    if (!keepsAlive) port1.unref();
    port2.postMessage(undefined);
  });
}
