import type { NativeRole } from '../metrics-file/attachment.js';
import type { ReaderBlock } from '../metrics-file/reader.js';
import { isCount } from '../metrics-file/record-bodies.js';
import { type MergeIndex, NOWHERE } from './merge-index.js';

interface PlacedChunk {
  readonly series: number;
  readonly role: NativeRole;
  readonly isApart: boolean;
  readonly slots: number;
}

/** Maps the slots of one block of native histograms' bins to merged cells. */
export class NativeMap {
  readonly #block: ReaderBlock;
  readonly #chunks = new Map<number, PlacedChunk>();
  #cells = new Int32Array(0);

  constructor(block: ReaderBlock) {
    this.#block = block;
  }

  place(slot: number, chunk: PlacedChunk, index: MergeIndex): void {
    this.#widen();
    this.#chunks.set(slot, chunk);
    const cell = index.native.retain(chunk.series, chunk.role, chunk.isApart);
    for (let at = 0; at < chunk.slots; at++) this.#cells[slot + at] = cell + at;
  }

  /** Removes the chunk at a slot, if there is one. */
  release(slot: number, index: MergeIndex): void {
    const chunk = this.#chunks.get(slot);
    if (chunk === undefined) return;
    this.#chunks.delete(slot);
    this.#cells.fill(NOWHERE, slot, slot + chunk.slots);
    index.native.release(chunk.series, chunk.role, chunk.isApart);
  }

  releaseAll(index: MergeIndex): void {
    for (const slot of this.#chunks.keys()) this.release(slot, index);
  }

  /** Adds the series with a bin that is no count: Prometheus would refuse everything for it. */
  findUnusable(unusable: Set<number>): void {
    const { values, isSound } = this.#block;
    if (isSound) return;
    for (const [slot, { series, slots }] of this.#chunks) {
      if (!values.subarray(slot, slot + slots).every(isCount)) unusable.add(series);
    }
  }

  /** Adds the values of the last reading, except those of unusable series. */
  addTo({ cells }: MergeIndex, unusable: ReadonlySet<number>): void {
    const { values, extent } = this.#block;
    const map = this.#cells;
    if (unusable.size === 0) {
      const end = Math.min(extent, values.length, map.length);
      for (let slot = 0; slot < end; slot++) cells[map[slot]] += values[slot];
      return;
    }
    for (const [first, { series, slots }] of this.#chunks) {
      if (unusable.has(series)) continue;
      for (let slot = first; slot < first + slots; slot++) cells[map[slot]] += values[slot] ?? 0;
    }
  }

  #widen(): void {
    const { extent, capacity } = this.#block;
    if (this.#cells.length >= extent) return;
    const cells = this.#cells;
    this.#cells = new Int32Array(Math.min(capacity, Math.max(extent, 2 * cells.length)));
    this.#cells.set(cells);
  }
}
