/** Native histograms of merged series: their bins at the resolution of the family, and the lines that text formats show. */
import type { CountPlaces } from '../exposition/format.js';
import { upperBound } from '../model/native-bins.js';
import { type NativeReading, valueAbove, writeNativeLines } from '../model/native-histogram.js';
import type { MergedCells, MergedFamily } from './merged-family.js';
import { type NativeChunk, sumOf } from './native-cells.js';

/**
 * Reads the native histogram of a series. Processes that count classic buckets only are in it with every bucket at its
 * upper bound, so that no observation is missing.
 */
export function readNative(index: MergedCells, family: MergedFamily, series: number, reading: NativeReading): void {
  const { cells } = index.native;
  const chunks = index.native.of(series);
  const { native, bounds } = family;
  let { schema } = native!;
  let zeroCount = 0;
  for (const chunk of chunks) {
    if (chunk.role.sign === 0) zeroCount += cells[chunk.cell];
    // a coarse chunk that was counted into once keeps its counts; one that was only allocated has none
    else if (chunk.role.schema < schema && populatedIn(cells, chunk.cell, chunk.slots) > 0) schema = chunk.role.schema;
  }
  reading.begin({ ...native!, schema }, zeroCount);
  for (const { role, cell, slots } of chunks) {
    const { sign, chunk, schema: own } = role;
    if (sign !== 0) reading.addBins(sign, own, chunk * slots, cells, cell, slots);
  }
  if (family.hasClassicOnly) {
    const from = classicOnlyCell(index.cellOf[series], bounds);
    bounds.forEach((bound, at) => reading.addValue(bound, index.cells[from + at]));
    reading.addValue(valueAbove(bounds.at(-1) ?? 0), index.cells[from + bounds.length]);
  }
  reading.end();
}

/**
 * Returns the cells of a reading's zero bucket and of its positive ones. Undefined where a bucket is not equal to a cell: the reading
 * has negative buckets, counts of several cells, or a lower resolution than the bins.
 */
export function placesOf(index: MergedCells, series: number, reading: NativeReading): CountPlaces | undefined {
  const { native } = index;
  const { schema, positive, negative, zeroCount } = reading;
  const ranges: CountPlaces['ranges'][number][] = [];
  let zero = 0;
  let populated = 0;
  let end = -Infinity;
  for (const { role, cell, slots } of native.of(series)) {
    const found = populatedIn(native.cells, cell, slots);
    if (role.sign === 0 && zero === 0) zero = cell;
    else if (found > 0) {
      const bin = role.chunk * slots;
      if (role.sign <= 0 || role.schema !== schema || bin < end) return undefined;
      ranges.push({ bin, cell, bins: slots });
      populated += found;
      end = bin + slots;
    }
  }
  const isEqual = populated === positive.length && negative.length === 0 && native.cells[zero] === zeroCount;
  return isEqual ? { zero, ranges } : undefined;
}

function populatedIn(cells: Float64Array, from: number, slots: number): number {
  let populated = 0;
  for (let cell = from; cell < from + slots; cell++) if (cells[cell] > 0) populated++;
  return populated;
}

/** Returns the number of observations of a series: those in bins, and those in the buckets of processes without bins. */
export function observationsOf(
  { native, cells, cellOf }: Pick<MergedCells, 'cells' | 'cellOf' | 'native'>,
  { bounds, hasClassicOnly }: MergedFamily,
  series: number,
): number {
  const count = native.countOf(series);
  return hasClassicOnly ? count + sumOf(cells, classicOnlyCell(cellOf[series], bounds), bounds.length + 1) : count;
}

/** The first cell of the buckets of processes without bins, behind the classic buckets and the sum. */
export function classicOnlyCell(first: number, bounds: readonly number[]): number {
  return first + bounds.length + 2;
}

/** Writes the values of the lines of a series. */
export function writeNativeSeries(
  index: MergedCells,
  family: MergedFamily,
  series: number,
  values: Float64Array,
  at: number,
): number {
  const { cells } = index;
  const { bounds } = family;
  const first = index.cellOf[series];
  let more: Float64Array | undefined;
  if (bounds.length > 0) {
    for (const chunk of index.native.of(series)) {
      if (!chunk.isApart) continue;
      more ??= new Float64Array(bounds.length + 1);
      addToBuckets(more, bounds, chunk, index.native.cells);
    }
    if (family.hasClassicOnly) {
      more ??= new Float64Array(bounds.length + 1);
      const from = classicOnlyCell(first, bounds);
      for (let bucket = 0; bucket <= bounds.length; bucket++) more[bucket] += cells[from + bucket];
    }
  }
  const count = observationsOf(index, family, series);
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
