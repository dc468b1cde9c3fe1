/**
 * A store that moves into another file, a few milliseconds at a time: 99,000 series took 132 ms in one go. Readers find the
 * new file from the beginning. Each series counts there from its own turn on, with the value that it had before.
 *
 * | a process that is killed | leaves |
 * |---|---|
 * | before the new file has its name | what it counted where it was before |
 * | in the middle of a move out of memory, or out of a file that was deleted | the series that have moved; the others have gone with the memory or the file |
 * | in the middle of a move to another directory | each series in the new directory if it has moved, and in the old one if not, with every count; no directory has it twice |
 * | before the old file is removed | every series in the new directory; in the old one their former values, of which nobody adds up both |
 */

import { setImmediate } from 'node:timers';
import { describeError } from '../errors.js';
import { warnOnce } from '../warn-once.js';

/** So long the move holds the thread up at a time. */
const SLICE_MS = 4;

export class StoreMove {
  readonly #steps: Iterator<void>;
  readonly #ended: () => void;
  readonly #atExit = (): void => this.finish();
  #resolve = (): void => {};
  /** Settled when the move has ended. */
  readonly done = new Promise<void>((resolve) => {
    this.#resolve = resolve;
  });
  #isOver = false;

  /** @param ended called once, when the last step is done */
  constructor(steps: Iterator<void>, ended: () => void) {
    this.#steps = steps;
    this.#ended = ended;
  }

  /** Begins. A store of a few thousand series has moved when this returns. */
  start(): void {
    this.#run(SLICE_MS);
    if (this.#isOver) return;
    // before the listeners that close the file or warn of what is lost
    process.prependListener('exit', this.#atExit);
    this.#goOnLater();
  }

  /** Does at once what is left. */
  finish(): void {
    this.#run(Infinity);
  }

  #goOnLater(): void {
    setImmediate(() => {
      this.#run(SLICE_MS);
      if (!this.#isOver) this.#goOnLater();
    });
  }

  #run(forMs: number): void {
    const until = performance.now() + forMs;
    while (!this.#isOver) {
      if (this.#steps.next().done === true) this.#end();
      else if (performance.now() >= until) return;
    }
  }

  #end(): void {
    this.#isOver = true;
    process.off('exit', this.#atExit);
    try {
      this.#ended();
    } catch (error) {
      warnOnce('move', `after metrics have moved into another file: ${describeError(error)}`);
    }
    this.#resolve();
  }
}
