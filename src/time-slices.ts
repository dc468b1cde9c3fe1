import { eventLoopTurn } from './event-loop-turn.js';

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
