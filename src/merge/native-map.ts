import { widened } from '../model/widened.js';
import type { NativeRole } from '../metrics-file/attachment.js';
import type { ReaderBlock } from '../metrics-file/reader.js';
import { isCount } from '../metrics-file/record-bodies.js';
import { type MergeIndex, NOWHERE } from './merge-index.js';
import type { NativeChunk } from './native-cells.js';

/**
 * Maps the slots of one block of native histograms' bins to merged cells. There may be a million chunks in a directory: arrays
 * of numbers took half the time and memory of an object for each.
 */
export class NativeMap {
  readonly #block: ReaderBlock;
  #cells = new Int32Array(0);
  /** At the first slot of each chunk: its index in the lists below + 1. Elsewhere 0. */
  #places = new Int32Array(0);
  readonly #series: number[] = [];
  readonly #chunks: NativeChunk[] = [];
  readonly #freePlaces: number[] = [];

  constructor(block: ReaderBlock) {
    this.#block = block;
  }

  /** Returns false where another chunk has one of the slots. */
  place(slot: number, slots: number, series: number, role: NativeRole, isApart: boolean, index: MergeIndex): boolean {
    this.#widen();
    const cells = this.#cells;
    for (let at = slot; at < slot + slots; at++) if (cells[at] !== NOWHERE) return false;
    const chunk = index.native.retain(series, role, isApart);
    for (let at = 0; at < slots; at++) cells[slot + at] = chunk.cell + at;
    const place = this.#freePlaces.pop() ?? this.#series.length;
    this.#series[place] = series;
    this.#chunks[place] = chunk;
    this.#places[slot] = place + 1;
    return true;
  }

  /** Removes the chunk at a slot, if there is one. */
  release(slot: number, index: MergeIndex): void {
    const place = (this.#places[slot] ?? 0) - 1;
    if (place < 0) return;
    const chunk = this.#chunks[place];
    this.#places[slot] = 0;
    this.#freePlaces.push(place);
    this.#cells.fill(NOWHERE, slot, slot + chunk.slots);
    index.native.release(this.#series[place], chunk);
  }

  releaseAll(index: MergeIndex): void {
    for (const [slot] of this.#all()) this.release(slot, index);
  }

  /** Adds the series with a bin that is no count: Prometheus would refuse everything for it. */
  findUnusable(unusable: Set<number>): void {
    const { values, isSound } = this.#block;
    if (isSound) return;
    for (const [slot, series, { slots }] of this.#all()) {
      if (!values.subarray(slot, slot + slots).every(isCount)) unusable.add(series);
    }
  }

  /** Adds the values of the last reading, except those of unusable series, or what has changed since the merge before. */
  addTo({ native }: MergeIndex, unusable: ReadonlySet<number>): void {
    const { values, extent, changes } = this.#block;
    const { cells } = native;
    const map = this.#cells;
    if (unusable.size > 0 || changes.areLost) native.invalidate();
    if (!native.isWhole) {
      changes.takeEach((slot, by) => native.add(map[slot] ?? NOWHERE, by));
      return;
    }
    changes.clear();
    const end = Math.min(extent, values.length, map.length);
    if (unusable.size === 0) {
      for (let slot = 0; slot < end; slot++) cells[map[slot]] += values[slot];
      return;
    }
    for (const [first, series, { slots }] of this.#all()) {
      if (unusable.has(series)) continue;
      const after = Math.min(end, first + slots);
      for (let slot = first; slot < after; slot++) cells[map[slot]] += values[slot];
    }
  }

  /** The numbers of observations of the last reading, one for each chunk of a series. */
  *counts(): Generator<readonly [series: number, count: number]> {
    const { values } = this.#block;
    for (const [slot, series, { slots }] of this.#all()) {
      const count = values.subarray(slot, slot + slots).reduce((sum, value) => sum + value, 0);
      yield [series, Number.isFinite(count) ? count : 0];
    }
  }

  *#all(): Generator<readonly [slot: number, series: number, chunk: NativeChunk]> {
    for (let slot = 0; slot < this.#places.length; slot++) {
      const place = this.#places[slot] - 1;
      if (place >= 0) yield [slot, this.#series[place], this.#chunks[place]];
    }
  }

  #widen(): void {
    const { extent, capacity } = this.#block;
    if (this.#cells.length >= extent) return;
    const length = Math.min(capacity, Math.max(extent, 2 * this.#cells.length));
    this.#cells = widened(this.#cells, length);
    this.#places = widened(this.#places, length);
  }
}
