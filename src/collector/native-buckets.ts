/** Native histograms of several series together, as adjacent buckets for a chart. */
import type { MergedFamily } from '../merge/merged-family.js';
import { readNative } from '../merge/native-series.js';
import { MAX_SCHEMA, upperBound } from '../model/native-bins.js';
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
  const schema = Math.min(MAX_SCHEMA, ...bySchema.keys());
  const bins: Bins = new Map();
  for (const [own, sums] of bySchema) for (const [bin, count] of sums) addTo(bins, bin >> (own - schema), count);
  reading.begin({ schema, zeroThreshold: 0, maxBuckets: 0 }, 0);
  const { positive } = reading;
  for (const [bin, count] of [...bins].toSorted(([a], [b]) => a - b)) positive.push(bin, count);
  reading.narrow(MAX_ROWS);
  if (positive.length === 0) return { bounds: [], counts: [upToZero] };
  const [first] = positive.bins;
  const counts = positive.adjacent();
  return {
    bounds: [first - 1, ...counts.map((_, row) => first + row)].map((bin) => upperBound(reading.schema, bin)),
    counts: [upToZero, ...counts, 0],
  };
}

function addTo(bins: Bins, bin: number, count: number): void {
  bins.set(bin, (bins.get(bin) ?? 0) + count);
}
