import { eventLoopTurn } from '../collector/event-loop-turn.js';

/** Requests of the application wait no longer than this, and what one step takes. */
const SLICE_MS = 2;

/** Work on many small things, between which the event loop turns. */
export class TimeSlices {
  #until = performance.now() + SLICE_MS;

  get isOver(): boolean {
    return performance.now() >= this.#until;
  }

  async next(): Promise<void> {
    await eventLoopTurn();
    this.#until = performance.now() + SLICE_MS;
  }
}
