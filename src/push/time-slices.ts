import { eventLoopTurn } from '../collector/event-loop-turn.js';

/** Requests of the application wait no longer than this, and what one step takes. */
const SLICE_MS = 2;

/** Work on many small things, between which the event loop turns. */
export class TimeSlices {
  #until = performance.now() + SLICE_MS;

  get isOver(): boolean {
    return performance.now() >= this.#until;
  }

  /** Returns what the steps lead to. */
  async run<T>(steps: Generator<void, T>): Promise<T> {
    for (;;) {
      const { done, value } = steps.next();
      if (done === true) return value;
      if (this.isOver) await this.next();
    }
  }

  async next(): Promise<void> {
    await eventLoopTurn();
    this.#until = performance.now() + SLICE_MS;
  }
}
