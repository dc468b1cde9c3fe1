import { type Labelled, LabelIndex } from './label-index.js';
import { SHADOWS, SlotAllocator } from './value-blocks.js';

/** For eight slots: most metrics with a callback have one series. */
const FIRST_BLOCK_BYTES = 64;

/** For a family with a `collect()` in progress: the series that readers see where they differ from the process's own. */
export class ShownSeries<S extends Labelled> {
  /** Slots of the process's own series, which the garbage collector frees when nothing refers to them. */
  readonly slots = new SlotAllocator(SHADOWS, { first: FIRST_BLOCK_BYTES });
  /** By the series that the process writes to instead. */
  readonly #byCopy = new Map<S, S>();
  /** Series that the process has removed. */
  readonly #removed: LabelIndex<S>;

  constructor(labelNames: readonly string[]) {
    this.#removed = new LabelIndex(labelNames);
  }

  *[Symbol.iterator](): IterableIterator<S> {
    yield* this.#byCopy.values();
    yield* this.#removed;
  }

  widen(added: readonly string[]): void {
    this.#removed.widen(added);
  }

  addCopied(copy: S, shown: S): void {
    this.#byCopy.set(copy, shown);
  }

  addRemoved(shown: S): void {
    this.#removed.add(shown);
  }

  /** The process has removed its copy. */
  removeCopy(copy: S): void {
    const shown = this.#byCopy.get(copy);
    if (shown === undefined) return;
    this.#byCopy.delete(copy);
    this.#removed.add(shown);
  }

  /** The series that readers see with the labels of a series of the process. */
  of(series: S): S | undefined {
    return this.#byCopy.get(series) ?? this.#removed.find(series.labelValues);
  }

  removed(): Iterable<S> {
    return this.#removed;
  }
}
