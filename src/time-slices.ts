import { eventLoopTurn } from './event-loop-turn.js';

/** Work in small steps, between which the event loop turns when a slice of time is over. */
export class TimeSlices {
  readonly #sliceMs: number;
  #until: number;

  constructor(sliceMs: number) {
    this.#sliceMs = sliceMs;
    this.#until = performance.now() + sliceMs;
  }

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
    this.#until = performance.now() + this.#sliceMs;
  }
}

/** Returns what the steps lead to, at once. */
export function completed<T>(steps: Generator<void, T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}
