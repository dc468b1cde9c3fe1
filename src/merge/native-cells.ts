import type { NativeRole } from '../metrics-file/attachment.js';
import { nativeSlots } from '../model/native-bins.js';
import { CellSpace } from './cell-space.js';

/** The bins that several files have in a chunk of one number and schema. */
export interface NativeChunk {
  readonly role: NativeRole;
  /** The classic buckets of these processes do not count the same values: they declare none. */
  readonly isApart: boolean;
  readonly cell: number;
  readonly slots: number;
  references: number;
}

const NONE: readonly NativeChunk[] = [];

/**
 * The cells of native histograms. Each chunk keeps the schema of its file; they are converted when a series is read.
 *
 * Unlike other cells these keep their values from merge to merge, and a merge adds what has changed in the files. A directory
 * may have millions of bins, of which few change: to add all of them took most of a scrape. Counts are whole numbers below
 * 2^53, so that the sum of differences is exact. Whenever chunks come or go, the next merge adds everything.
 */
export class NativeCells {
  readonly #space = new CellSpace();
  /** Per series, in the order of their numbers, so that their bins need no sorting. */
  readonly #chunks: (NativeChunk[] | undefined)[] = [];
  /** Per series: the number of observations in all its bins, and the last merge that changed one of them. */
  readonly #counts: number[] = [];
  readonly #changedAt: number[] = [];
  /** The number of the present merge. */
  merge = 0;
  #isStale = true;
  /** Whether the present merge adds all values, and not differences. */
  isWhole = true;

  get cells(): Float64Array {
    return this.#space.cells;
  }

  /** Whether the present merge lacks something, so that it has to begin again. */
  get isIncomplete(): boolean {
    return this.#isStale && !this.isWhole;
  }

  /** The chunks of a series. */
  of(series: number): readonly NativeChunk[] {
    return this.#chunks[series] ?? NONE;
  }

  /** The number of observations in the bins of a series. */
  countOf(series: number): number {
    return this.#counts[series] ?? 0;
  }

  /** The number of the last merge that changed a bin of a series. */
  changedAt(series: number): number {
    return this.#changedAt[series] ?? 0;
  }

  /** Makes the next merge add everything. */
  invalidate(): void {
    this.#isStale = true;
  }

  /** Begins a merge. */
  begin(): void {
    this.merge++;
    this.isWhole = this.#isStale;
    this.#isStale = false;
    if (this.isWhole) this.#space.clear();
  }

  /** Adds a difference to a cell. */
  add(cell: number, by: number): void {
    if (cell === 0) return;
    const series = this.#space.owners[cell];
    this.#space.cells[cell] += by;
    this.#counts[series] += by;
    this.#changedAt[series] = this.merge;
  }

  /** Ends a merge. */
  end(): void {
    if (!this.isWhole) return;
    // slots that are not shown were added there
    this.cells[0] = 0;
    this.#chunks.forEach((_, series) => this.recount(series));
  }

  /** Counts the observations of a series again: its cells have changed. */
  recount(series: number): void {
    let count = 0;
    for (const { cell, slots } of this.of(series)) count += sumOf(this.cells, cell, slots);
    this.#counts[series] = count;
    this.#changedAt[series] = this.merge;
  }

  /** Adds a reference to a chunk. */
  retain(series: number, role: NativeRole, isApart: boolean): NativeChunk {
    const chunk = this.#chunkOf(series, role, isApart);
    chunk.references++;
    this.#isStale = true;
    return chunk;
  }

  /** The first cell of a chunk, which is made if it is missing; no reference is counted. */
  cellOf(series: number, role: NativeRole, isApart: boolean): number {
    return this.#chunkOf(series, role, isApart).cell;
  }

  release(series: number, chunk: NativeChunk): void {
    this.#isStale = true;
    if (--chunk.references > 0) return;
    this.#space.give(chunk.cell, chunk.slots);
    this.#chunks[series] = this.#chunks[series]?.filter((other) => other !== chunk);
  }

  /** Forgets all chunks. */
  restart(): void {
    this.#space.restart();
    this.#chunks.length = this.#counts.length = this.#changedAt.length = 0;
    this.#isStale = true;
  }

  #chunkOf(series: number, role: NativeRole, isApart: boolean): NativeChunk {
    while (this.#chunks.length <= series) {
      this.#chunks.push(undefined);
      this.#counts.push(0);
      this.#changedAt.push(0);
    }
    const chunks = (this.#chunks[series] ??= []);
    const place = placeOf(role, isApart);
    let before = chunks.length;
    for (; before > 0; before--) {
      const known = chunks[before - 1];
      // equal roles are one object
      if (known.role === role && known.isApart === isApart) return known;
      if (placeOf(known.role, known.isApart) < place) break;
    }
    const slots = nativeSlots(role);
    const chunk = { role, isApart, slots, cell: this.#space.take(slots, series), references: 0 };
    chunks.splice(before, 0, chunk);
    return chunk;
  }
}

/** Orders the chunks of a series by their numbers. All collectors have one order, in which a sum that is too large is cut. */
function placeOf({ chunk, schema, sign }: NativeRole, isApart: boolean): number {
  return ((chunk * 32 + schema) * 4 + sign) * 2 + Number(isApart);
}

/** Returns the sum of adjacent cells. It adds in pairs: an addition waits for the one before it. */
export function sumOf(cells: Float64Array, from: number, slots: number): number {
  let [even, odd] = [0, 0];
  const end = from + slots - 1;
  let cell = from;
  for (; cell < end; cell += 2) {
    even += cells[cell];
    odd += cells[cell + 1];
  }
  return cell === end ? even + odd + cells[cell] : even + odd;
}
