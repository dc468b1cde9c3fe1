/**
 * Work on a whole store, a few milliseconds at a time: to move 99,000 series into another file took 132 ms in one go, and to
 * take them out of memory when the disk had room again 158 ms. In slices, both take 35 to 50 turns of the event loop; on some
 * of them the engine's garbage collection takes another 10 ms (measured).
 *
 * During a move readers find the new file from the beginning. Each series counts there from its own turn on, with the value
 * that it had before.
 *
 * | a process that is killed | leaves |
 * |---|---|
 * | before the new file has its name | what it counted where it was before |
 * | in the middle of a move out of memory, or out of a file that was deleted | the series that have moved; the others have gone with the memory or the file |
 * | in the middle of a move to another directory | each series in the new directory if it has moved, and in the old one if not, with every count; no directory has it twice |
 * | before the old file is removed | every series in the new directory; in the old one their former values; no reader adds up both |
 */

import { describeError } from '../errors.js';
import { completed, TimeSlices } from '../time-slices.js';
import { warnOnce } from '../warn-once.js';

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
    // before the listeners that close the file or warn of what is lost
    process.prependListener('exit', this.#atExit);
    void this.#run();
  }

  /** Does at once what is left. */
  finish(): void {
    if (this.#isOver) return;
    completed(this.#steps);
    this.#end();
  }

  async #run(): Promise<void> {
    const slices = new TimeSlices();
    while (slices.advance(this.#steps).done !== true) {
      await slices.next();
      if (this.#isOver) return;
    }
    this.#end();
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
