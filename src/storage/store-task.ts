/**
 * Work on a whole store, a few milliseconds at a time: to move 99,000 series into another file took 132 ms in one go, and to
 * take them out of memory when the disk had room again 158 ms. In slices, both take 35 to 50 turns of the event loop; on some
 * of them the engine's garbage collection takes another 10 ms (ran).
 *
 * During a move readers find the new file from the beginning. Each series counts there from its own turn on, with the value
 * that it had before.
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

/** The work holds the thread up for so long at a time. */
const SLICE_MS = 4;
/** The clock is read after this many steps, which take 0.1 ms. */
const STEPS_PER_LOOK = 64;

export class StoreTask {
  readonly #steps: Iterator<void>;
  readonly #ended: () => void;
  readonly #atExit = (): void => this.finish();
  #resolve = (): void => {};
  /** Settled when the work has ended. */
  readonly done = new Promise<void>((resolve) => {
    this.#resolve = resolve;
  });
  #isOver = false;

  /** @param ended called once, when the last step is done */
  constructor(steps: Iterator<void>, ended: () => void) {
    this.#steps = steps;
    this.#ended = ended;
  }

  /** Begins. With a few thousand series the work has ended when this returns. */
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
    for (let steps = 1; !this.#isOver; steps++) {
      if (this.#steps.next().done === true) this.#end();
      else if (steps % STEPS_PER_LOOK === 0 && performance.now() >= until) return;
    }
  }

  #end(): void {
    this.#isOver = true;
    process.off('exit', this.#atExit);
    try {
      this.#ended();
    } catch (error) {
      warnOnce('store', `after metrics have moved into a file: ${describeError(error)}`);
    }
    this.#resolve();
  }
}
