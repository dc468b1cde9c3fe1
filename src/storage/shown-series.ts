import type { ValueBlockKind } from '../metrics-file/layout.js';
import { type Labelled, LabelIndex } from './label-index.js';
import { type Cells, shadowBlock } from './value-blocks.js';

const FIRST_SLOTS = 8;
const LARGEST_SLOTS = 64 * 1024;

/**
 * For a family with a `collect()` in progress: the series that readers see, where they differ from those of the process.
 */
export class ShownSeries<S extends Labelled> {
  /** By the series that the process writes to instead. */
  readonly #byCopy = new Map<S, S>();
  /** Series that the process has removed. */
  readonly #removed: LabelIndex<S>;
  #view: Float64Array = new Float64Array(0);
  #block: ReturnType<typeof shadowBlock> | undefined;
  #used = 0;

  constructor(labelNames: readonly string[]) {
    this.#removed = new LabelIndex(labelNames);
  }

  *[Symbol.iterator](): IterableIterator<S> {
    yield* this.#byCopy.values();
    yield* this.#removed;
  }

  /** The family has got more labels. */
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

  /** Binds cells to slots in memory, all zero, which the garbage collector frees when nothing refers to them. */
  bind(kind: ValueBlockKind, slots: number, cells: Cells): void {
    if (this.#block === undefined || this.#used + slots > this.#view.length) {
      const size = Math.max(slots, Math.min(LARGEST_SLOTS, Math.max(FIRST_SLOTS, 2 * this.#view.length)));
      this.#block = shadowBlock(kind, size);
      this.#view = this.#block.view;
      this.#used = 0;
    }
    cells.view = this.#view;
    cells.index = this.#used;
    cells.block = this.#block;
    this.#used += slots;
  }
}
