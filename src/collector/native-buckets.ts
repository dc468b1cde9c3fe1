/** Native histograms of several series together, as adjacent buckets for a chart. */
import type { MergedFamily } from '../merge/merged-family.js';
import { readNative } from '../merge/native-series.js';
import { MAX_SCHEMA, MIN_SCHEMA, upperBound } from '../model/native-bins.js';
import { NativeReading } from '../model/native-histogram.js';

/** A chart has 190 pixels for its rows. */
const MAX_ROWS = 120;

/** Counts by bin. */
type Bins = Map<number, number>;

/**
 * Adds the series and returns the buckets from the lowest populated one to the highest one, at a resolution of at most
 * MAX_ROWS. Zeros and negative values are in the first bucket. The last one, above all bounds, is empty.
 */
export function nativeBuckets(
  family: MergedFamily,
  series: readonly number[],
): { readonly bounds: readonly number[]; readonly counts: readonly number[] } {
  const reading = new NativeReading();
  const bySchema = new Map<number, Bins>();
  let upToZero = 0;
  for (const number of series) {
    readNative(family.index, family, number, reading);
    const { schema, positive } = reading;
    upToZero += reading.zeroCount + reading.negative.total();
    let sums = bySchema.get(schema);
    if (sums === undefined) bySchema.set(schema, (sums = new Map()));
    for (let at = 0; at < positive.length; at++) addTo(sums, positive.bins[at], positive.counts[at]);
  }
  const lowest = Math.min(MAX_SCHEMA, ...bySchema.keys());
  let bins: Bins = new Map();
  for (const [schema, sums] of bySchema) for (const [bin, count] of sums) addTo(bins, bin >> (schema - lowest), count);
  let schema = lowest;
  for (; schema > MIN_SCHEMA && rowsOf(bins) > MAX_ROWS; schema--) bins = halved(bins);
  if (bins.size === 0) return { bounds: [], counts: [upToZero] };
  const first = Math.min(...bins.keys());
  const rows = Array.from({ length: rowsOf(bins) }, (_, row) => first + row);
  return {
    bounds: [upperBound(schema, first - 1), ...rows.map((bin) => upperBound(schema, bin))],
    counts: [upToZero, ...rows.map((bin) => bins.get(bin) ?? 0), 0],
  };
}

function rowsOf(bins: Bins): number {
  return bins.size === 0 ? 0 : Math.max(...bins.keys()) - Math.min(...bins.keys()) + 1;
}

/** The bins of the next lower schema. */
function halved(bins: Bins): Bins {
  const wider: Bins = new Map();
  for (const [bin, count] of bins) addTo(wider, bin >> 1, count);
  return wider;
}

function addTo(bins: Bins, bin: number, count: number): void {
  bins.set(bin, (bins.get(bin) ?? 0) + count);
}
