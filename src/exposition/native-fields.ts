/**
 * The fields of a native histogram in the message Histogram of metrics.proto, or in that of remote write, which has the same
 * fields under other numbers. They are of variable length: a bucket is the difference from the one before it, and spans tell
 * which buckets are there.
 */
import type { NativeReading } from '../model/native-histogram.js';
import { WireBuffer } from './wire.js';

type Bins = NativeReading['positive'];

const CLIENT_MODEL = {
  ...{ schema: 5, zeroThreshold: 6, zeroCount: 7 },
  ...{ negativeSpan: 9, negativeDelta: 10, positiveSpan: 12, positiveDelta: 13 },
};
const SPAN = { offset: 1, length: 2 } as const;
/** An empty bucket takes a byte, a span 6 or more. */
export const MAX_GAP = 3;

const deltas = new WireBuffer();

/**
 * @param numbers of the fields in the message
 * @param widths of varints in bytes: of the zero count and of the differences between positive buckets; 0: as few as each needs
 */
export function writeNative(
  out: WireBuffer,
  { schema, zeroThreshold, zeroCount, positive, negative }: NativeReading,
  numbers = CLIENT_MODEL,
  { zeroWidth, width } = { zeroWidth: 0, width: 0 },
): void {
  out.signed(numbers.schema, schema);
  out.double(numbers.zeroThreshold, zeroThreshold);
  out.varint(numbers.zeroCount, zeroCount, zeroWidth);
  if (negative.length > 0) writeBuckets(out, numbers.negativeSpan, numbers.negativeDelta, negative);
  if (positive.length > 0) writeBuckets(out, numbers.positiveSpan, numbers.positiveDelta, positive, width);
}

function writeBuckets(
  out: WireBuffer,
  spanField: number,
  deltaField: number,
  { bins, counts, length }: Bins,
  width = 0,
): void {
  deltas.length = 0;
  // the index of the bucket behind the last span
  let end = 0;
  let before = 0;
  for (let first = 0; first < length;) {
    let last = first;
    deltas.rawSigned(counts[first] - before, width);
    before = counts[first];
    while (last + 1 < length && bins[last + 1] - bins[last] <= MAX_GAP + 1) {
      for (let gap = bins[last + 1] - bins[last] - 1; gap > 0; gap--) {
        deltas.rawSigned(-before, width);
        before = 0;
      }
      last++;
      deltas.rawSigned(counts[last] - before, width);
      before = counts[last];
    }
    // Prometheus counts from 1
    const start = bins[first] + 1;
    const span = bins[last] - bins[first] + 1;
    out.span(spanField, SPAN.offset, start - end, SPAN.length, span);
    end = start + span;
    first = last + 1;
  }
  out.message(deltaField, deltas.written);
}
