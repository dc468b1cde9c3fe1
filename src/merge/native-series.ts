/** Native histograms of merged series: their bins at the resolution of the family, and the lines that text formats show. */
import { upperBound } from '../model/native-bins.js';
import { type NativeReading, valueAbove, writeNativeLines } from '../model/native-histogram.js';
import type { MergedCells, MergedFamily } from './merged-family.js';
import type { NativeChunk } from './native-cells.js';

/**
 * Reads the native histogram of a series. Processes that count classic buckets only are in it with every bucket at its
 * upper bound, so that no observation is missing.
 */
export function readNative(index: MergedCells, family: MergedFamily, series: number, reading: NativeReading): void {
  const { cells } = index;
  const chunks = index.native.of(series);
  const { native, bounds } = family;
  let { schema } = native!;
  let zeroCount = 0;
  for (const chunk of chunks) {
    if (chunk.role.sign === 0) zeroCount += cells[chunk.cell];
    else if (chunk.role.schema < schema && !isEmpty(cells, chunk)) schema = chunk.role.schema;
  }
  reading.begin({ ...native!, schema }, zeroCount);
  for (const { role, cell, slots } of chunks) {
    const { sign, chunk, schema: own } = role;
    if (sign !== 0) reading.addBins(sign, own, chunk * slots, cells, cell, slots);
  }
  if (family.hasClassicOnly) {
    const from = classicOnlyCell(index.cellOf[series], bounds);
    bounds.forEach((bound, at) => reading.addValue(bound, cells[from + at]));
    reading.addValue(valueAbove(bounds.at(-1) ?? 0), cells[from + bounds.length]);
  }
  reading.end();
}

/** A coarse chunk that was counted into once keeps its counts; one that was only allocated has none. */
function isEmpty(cells: Float64Array, { cell, slots }: NativeChunk): boolean {
  for (let at = cell; at < cell + slots; at++) if (cells[at] > 0) return false;
  return true;
}

/** Adjacent cells that count observations. */
type CountCells = Pick<NativeChunk, 'cell' | 'slots'>;

/** Returns the cells in which the observations of a series are counted once: its bins, and the buckets of processes without bins. */
export function countCells(
  { native, cellOf }: Pick<MergedCells, 'cellOf' | 'native'>,
  { bounds, hasClassicOnly }: MergedFamily,
  series: number,
): readonly CountCells[] {
  const chunks = native.of(series);
  return hasClassicOnly
    ? [...chunks, { cell: classicOnlyCell(cellOf[series], bounds), slots: bounds.length + 1 }]
    : chunks;
}

/** Returns the number of observations in such cells. It adds in pairs: an addition waits for the one before it. */
export function sumOfCounts(cells: Float64Array, counts: readonly CountCells[]): number {
  let [even, odd] = [0, 0];
  for (const { cell: from, slots } of counts) {
    const end = from + slots - 1;
    let cell = from;
    for (; cell < end; cell += 2) {
      even += cells[cell];
      odd += cells[cell + 1];
    }
    if (cell === end) even += cells[cell];
  }
  return even + odd;
}

/** The first cell of the buckets of processes without bins, behind the classic buckets and the sum. */
function classicOnlyCell(first: number, bounds: readonly number[]): number {
  return first + bounds.length + 2;
}

/**
 * Writes the values of the lines of a series.
 *
 * @param count that of its reading, if it was read
 */
export function writeNativeSeries(
  index: MergedCells,
  family: MergedFamily,
  series: number,
  values: Float64Array,
  at: number,
  count: number = sumOfCounts(index.cells, countCells(index, family, series)),
): number {
  const { cells } = index;
  const { bounds } = family;
  const first = index.cellOf[series];
  let more: Float64Array | undefined;
  if (bounds.length > 0) {
    for (const chunk of index.native.of(series)) {
      if (!chunk.isApart) continue;
      more ??= new Float64Array(bounds.length + 1);
      addToBuckets(more, bounds, chunk, cells);
    }
    if (family.hasClassicOnly) {
      more ??= new Float64Array(bounds.length + 1);
      const from = classicOnlyCell(first, bounds);
      for (let bucket = 0; bucket <= bounds.length; bucket++) more[bucket] += cells[from + bucket];
    }
  }
  return writeNativeLines(cells, first, bounds.length, count, more, values, at);
}

/** Adds the bins of a chunk to the classic buckets that their upper bounds are in. */
function addToBuckets(
  buckets: Float64Array,
  bounds: readonly number[],
  { role, cell, slots }: NativeChunk,
  cells: Float64Array,
): void {
  const { sign, schema, chunk } = role;
  for (let slot = 0; slot < slots; slot++) {
    const count = cells[cell + slot];
    if (count === 0) continue;
    const bin = chunk * slots + slot;
    // the upper bound of a bin of negative values is its end nearer to zero
    const bound = sign === 0 ? 0 : sign > 0 ? upperBound(schema, bin) : -upperBound(schema, bin - 1);
    const bucket = bounds.findIndex((each) => bound <= each);
    buckets[bucket < 0 ? bounds.length : bucket] += count;
  }
}
