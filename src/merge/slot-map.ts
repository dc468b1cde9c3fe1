import { BlockKind } from '../metrics-file/layout.js';
import type { ReaderBlock } from '../metrics-file/reader.js';
import { comparableTime } from '../model/comparable-time.js';
import type { GaugeMode } from '../model/gauge-mode.js';
import { widened } from '../model/widened.js';
import type { Use } from './idle-references.js';
import { type MergeIndex, NOWHERE } from './merge-index.js';

/** Numbers that a Uint16Array can hold. */
const MAX_SHORT = 2 ** 16;

/**
 * Maps the slots of one value block to merged cells. An entry is a slot, or in blocks of gauges a pair of slots. It has six bytes
 * for an entry, and nothing for a series: lists of the series and of their created times took more memory than the values.
 */
export class SlotMap {
  readonly #block: ReaderBlock;
  readonly #index: MergeIndex;
  readonly #isGauge: boolean;
  #cells: Int32Array = new Int32Array(0);
  /** At the first entry of each series: the place of its created time in the list below. Elsewhere 0. Mostly two bytes are enough. */
  #times: Uint16Array | Int32Array = new Uint16Array(0);
  /** When the file created its part of a series, in seconds since the epoch; many that follow each other have the same time. */
  readonly #createdAt: number[] = [0];
  readonly #modes: (GaugeMode | undefined)[] = [];
  /** Process-wide series by their first entries. */
  readonly #processWide = new Map<number, { readonly series: number; readonly process: string }>();

  /** Series that are not in use, by their first entries. */
  readonly #uses = new Map<number, Use>();

  constructor(block: ReaderBlock, index: MergeIndex) {
    this.#block = block;
    this.#index = index;
    this.#isGauge = block.kind === BlockKind.Gauge;
  }

  /** The merged series that begins at a slot, or -1. */
  seriesAt(slot: number): number {
    return this.#seriesAt(this.#entry(slot));
  }

  #seriesAt(entry: number): number {
    if ((this.#times[entry] ?? 0) === 0) return -1;
    return this.#processWide.get(entry)?.series ?? this.#index.seriesOfCell(this.#cells[entry]);
  }

  /** The process-wide series here, which has no cells, or -1. */
  processWideAt(slot: number): number {
    return this.#processWide.get(this.#entry(slot))?.series ?? -1;
  }

  cellAt(slot: number): number {
    return this.#cells[this.#entry(slot)] ?? NOWHERE;
  }

  /** Number of series here. */
  get size(): number {
    let count = 0;
    for (const time of this.#times) if (time > 0) count++;
    return count;
  }

  /** The series here, with their slots and created times. */
  *series(): Generator<readonly [series: number, slot: number, createdAt: number]> {
    for (let entry = 0; entry < this.#times.length; entry++) {
      const time = this.#times[entry];
      if (time > 0) yield [this.#seriesAt(entry), this.#isGauge ? 2 * entry : entry, this.#createdAt[time]];
    }
  }

  placeGauge(slot: number, series: number, createdAt: number): void {
    this.#widen();
    const entry = this.#entry(slot);
    this.#cells[entry] = this.#index.cellOf[series];
    this.#modes[entry] = this.#index.familyOf(series).mode;
    this.#place(entry, createdAt);
  }

  /** Whether none of these slots belongs to a series. */
  isFree(slot: number, slots: number): boolean {
    for (let at = slot; at < slot + slots; at++) if ((this.#cells[at] ?? NOWHERE) !== NOWHERE) return false;
    return true;
  }

  /** @param offsets from the first cell, where the order of slots differs from that of cells */
  placeSums(slot: number, slots: number, series: number, createdAt: number, offsets: Int32Array | undefined): void {
    this.#widen();
    this.#place(slot, createdAt);
    const cell = this.#index.cellOf[series];
    if (offsets === undefined) for (let at = 0; at < slots; at++) this.#cells[slot + at] = cell + at;
    else for (let at = 0; at < slots; at++) this.#cells[slot + at] = cell + offsets[at];
  }

  /**
   * Adds a process-wide series: it counts once, for any number of threads that have it. It has no cells of its own here.
   */
  placeProcessWide(slot: number, series: number, createdAt: number, process: string): void {
    this.#widen();
    const entry = this.#entry(slot);
    this.#place(entry, createdAt);
    this.#processWide.set(entry, { series, process });
  }

  setUse(slot: number, use: Use): void {
    if (use !== 'active') this.#uses.set(this.#entry(slot), use);
  }

  useOf(slot: number): Use {
    return this.#uses.get(this.#entry(slot)) ?? 'active';
  }

  /** Takes a gauge that has moved here from other slots. */
  takeGauge(slot: number, from: SlotMap, formerSlot: number): void {
    const processWide = from.#processWide.get(from.#entry(formerSlot));
    const released = from.release(formerSlot);
    if (released === undefined) return;
    const [series, createdAt] = released;
    if (processWide !== undefined) this.placeProcessWide(slot, series, createdAt, processWide.process);
    else this.placeGauge(slot, series, createdAt);
  }

  #place(entry: number, createdAt: number): void {
    // entries of series that are removed stay, like their records, until there is a new log
    const times = this.#createdAt;
    if (times[times.length - 1] !== createdAt || times.length === 1) times.push(createdAt);
    if (times.length > MAX_SHORT && this.#times instanceof Uint16Array) this.#times = Int32Array.from(this.#times);
    this.#times[entry] = times.length - 1;
  }

  /** Removes the series at a slot, if there is one; returns it with its created time and its use. */
  release(slot: number): readonly [series: number, createdAt: number, use: Use] | undefined {
    const first = this.#entry(slot);
    const series = this.#seriesAt(first);
    if (series < 0) return undefined;
    const createdAt = this.#createdAt[this.#times[first]];
    this.#times[first] = 0;
    this.#processWide.delete(first);
    const use = this.useOf(slot);
    this.#uses.delete(first);
    for (let entry = first; this.#cells[entry] !== NOWHERE && entry < this.#cells.length; entry++) {
      if (entry > first && (this.#isGauge || this.#times[entry] !== 0)) break;
      this.#cells[entry] = NOWHERE;
    }
    return [series, createdAt, use];
  }

  /**
   * Adds the values of the last reading to the cells of the index.
   *
   * @param unusable series that are left out; receives each with a value that is not a finite number
   */
  addTo(nowSeconds: number, unusable: Set<number>): void {
    const { values, extent, isSound } = this.#block;
    const index = this.#index;
    const end = Math.min(extent, values.length);
    if (this.#isGauge) this.#addGauges(index, values, end >> 1, nowSeconds);
    else if (isSound && unusable.size === 0) addSums(index.cells, this.#cells, values, end);
    else this.#addFinite(index.cells, values, end, unusable);
    for (const [entry, { series, process }] of this.#processWide) {
      if (!this.#isGauge && !Number.isFinite(values[entry] ?? 0)) unusable.add(series);
      else if (!this.#isGauge) index.noteOfProcess(series, process, values[entry] ?? 0, 0);
      else if ((values[2 * entry + 1] ?? 0) !== 0) {
        const setAt = comparableTime(values[2 * entry + 1], nowSeconds);
        index.noteOfProcess(series, process, values[2 * entry], setAt);
      }
    }
  }

  #addFinite(cells: Float64Array, values: Float64Array, end: number, unusable: Set<number>): void {
    const extent = Math.min(end, this.#cells.length);
    for (let first = 0; first < extent; first++) {
      if (this.#times[first] === 0 || this.#cells[first] === NOWHERE) continue;
      let after = first + 1;
      while (after < extent && this.#times[after] === 0 && this.#cells[after] !== NOWHERE) after++;
      const series = this.#index.seriesOfCell(this.#cells[first]);
      if (unusable.has(series)) continue;
      if (!values.subarray(first, after).every(Number.isFinite)) unusable.add(series);
      else for (let slot = first; slot < after; slot++) cells[this.#cells[slot]] += values[slot];
    }
  }

  #addGauges(index: MergeIndex, values: Float64Array, pairs: number, nowSeconds: number): void {
    const { cells } = index;
    // series that are not shown have slots, but may be beyond the end of the map
    const end = Math.min(pairs, this.#cells.length);
    for (let pair = 0; pair < end; pair++) {
      const cell = this.#cells[pair];
      const setAt = values[2 * pair + 1];
      if (cell === NOWHERE || setAt === 0) continue;
      const mode = this.#modes[pair]!;
      if (mode.perProcess && cells[cell + 2] > 0) index.pidConflicts++;
      mode.reduce(cells, cell, values[2 * pair], comparableTime(setAt, nowSeconds));
    }
  }

  #entry(slot: number): number {
    return this.#isGauge ? slot >> 1 : slot;
  }

  #widen(): void {
    const { extent, capacity } = this.#block;
    if (this.#cells.length >= this.#entry(extent)) return;
    const length = this.#entry(Math.min(capacity, this.#cells.length === 0 ? extent : 2 * extent));
    this.#cells = widened(this.#cells, length);
    this.#times = widened(this.#times, length);
  }
}

/** A scrape spends its time in this loop. */
function addSums(cells: Float64Array, map: Int32Array, values: Float64Array, extent: number): void {
  const end = Math.min(extent, map.length);
  for (let slot = 0; slot < end; slot++) cells[map[slot]] += values[slot];
}
