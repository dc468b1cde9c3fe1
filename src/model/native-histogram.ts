/**
 * Native histograms as an exposition shows them. The parts of a series (bins of several files, chunks and schemas, and
 * classic buckets of processes that count no bins) are added, and the resolution is then reduced as the options demand.
 *
 * The result depends on the sums of the parts alone, so that every reader of the same files shows the same. While counts
 * only grow, the schema never rises and the zero threshold never falls: Prometheus takes a schema that rises for a reset, and
 * `increase()` was 10,080 where the truth was 120 (measured).
 */
import { Bins, exponentOf, lowestOptions, MIN_SCHEMA, type NativeOptions, upperBound } from './native-bins.js';
import { widened } from './widened.js';

/** Plain data of a native histogram. A bucket has the number that Prometheus gives it: (f^(index - 1), f^index]. */
export interface NativeHistogram {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positive: readonly NativeBucket[];
  readonly negative: readonly NativeBucket[];
}

export type NativeBucket = readonly [index: number, count: number];

/** Bins that are not empty, ascending; `bins[0, length)` and `counts[0, length)` are valid. */
class BinList {
  bins = new Int32Array(64);
  counts = new Float64Array(64);
  length = 0;

  push(bin: number, count: number): void {
    const at = this.length++;
    if (at === this.bins.length) this.#widen();
    this.bins[at] = bin;
    this.counts[at] = count;
  }

  /** Adds adjacent bins of a schema that is higher by `down`, except empty ones. */
  add(down: number, first: number, from: Float64Array, at: number, length: number): void {
    while (this.length + length > this.bins.length) this.#widen();
    const { bins, counts } = this;
    let end = this.length;
    for (let bin = 0; bin < length; bin++) {
      const count = from[at + bin];
      if (count === 0) continue;
      bins[end] = (first + bin) >> down;
      counts[end++] = count;
    }
    this.length = end;
  }

  /** Orders the bins, and joins entries of the same bin. */
  join(): void {
    const { bins, length } = this;
    for (let at = 1; at < length; at++) {
      if (bins[at - 1] < bins[at]) continue;
      this.#sort();
      this.#joinNeighbours(0);
      return;
    }
  }

  /** Makes bins of a lower schema of them. */
  reduceBy(schemas: number): void {
    if (schemas > 0) this.#joinNeighbours(schemas);
  }

  /** Removes bins below a bin. @returns their counts */
  takeBelow(bin: number): number {
    let removed = 0;
    let count = 0;
    for (; removed < this.length && this.bins[removed] < bin; removed++) count += this.counts[removed];
    if (removed > 0) {
      this.bins.copyWithin(0, removed, this.length);
      this.counts.copyWithin(0, removed, this.length);
      this.length -= removed;
    }
    return count;
  }

  /** The number of bins from the first to the last, also empty ones. */
  get width(): number {
    return this.length === 0 ? 0 : this.bins[this.length - 1] - this.bins[0] + 1;
  }

  /** The counts of all bins from the first to the last, also of empty ones. */
  adjacent(): number[] {
    const counts = Array.from({ length: this.width }, () => 0);
    for (let at = 0; at < this.length; at++) counts[this.bins[at] - this.bins[0]] = this.counts[at];
    return counts;
  }

  has(bin: number): boolean {
    return this.bins.subarray(0, this.length).includes(bin);
  }

  total(): number {
    let total = 0;
    for (let at = 0; at < this.length; at++) total += this.counts[at];
    return total;
  }

  #joinNeighbours(schemas: number): void {
    let last = -1;
    for (let at = 0; at < this.length; at++) {
      const bin = this.bins[at] >> schemas;
      if (last >= 0 && this.bins[last] === bin) {
        this.counts[last] += this.counts[at];
        continue;
      }
      this.bins[++last] = bin;
      this.counts[last] = this.counts[at];
    }
    this.length = last + 1;
  }

  #sort(): void {
    const order = Array.from({ length: this.length }, (_, at) => at).toSorted((a, b) => this.bins[a] - this.bins[b]);
    const [bins, counts] = [this.bins.slice(), this.counts.slice()];
    for (let at = 0; at < order.length; at++) {
      this.bins[at] = bins[order[at]];
      this.counts[at] = counts[order[at]];
    }
  }

  #widen(): void {
    this.bins = widened(this.bins);
    this.counts = widened(this.counts);
  }
}

/**
 * One native histogram at a time. A caller that reads many series uses one object for all of them: `begin`, then `addBins`
 * and `addValue`, then `end`.
 */
export class NativeReading {
  schema = 0;
  zeroThreshold = 0;
  zeroCount = 0;
  readonly positive = new BinList();
  readonly negative = new BinList();
  #maxBuckets = 0;

  /** @param options of the family, with a schema that no part is below */
  begin({ schema, zeroThreshold, maxBuckets }: NativeOptions, zeroCount: number): void {
    this.schema = schema;
    this.zeroThreshold = zeroThreshold;
    this.zeroCount = zeroCount;
    this.#maxBuckets = maxBuckets;
    this.positive.length = this.negative.length = 0;
  }

  /** Takes a histogram that is shown already. */
  set(histogram: NativeHistogram): void {
    const { schema, zeroThreshold } = histogram;
    this.begin({ schema, zeroThreshold, maxBuckets: 0 }, 0);
    this.include(histogram);
  }

  /** Adds a histogram that is shown already. */
  include({ schema, zeroCount, positive, negative }: NativeHistogram): void {
    const down = schema - this.schema;
    this.zeroCount += zeroCount;
    for (const [index, count] of positive) this.positive.push((index - 1) >> down, count);
    for (const [index, count] of negative) this.negative.push((index - 1) >> down, count);
  }

  /** Adds adjacent bins, which are in `counts[at, at + length)`. */
  addBins(sign: number, schema: number, first: number, counts: Float64Array, at: number, length: number): void {
    const list = sign < 0 ? this.negative : this.positive;
    list.add(schema - this.schema, first, counts, at, length);
  }

  addValue(value: number, count: number): void {
    if (count <= 0) return;
    if (value === 0) this.zeroCount += count;
    else (value < 0 ? this.negative : this.positive).push(Bins.of(this.schema).find(Math.abs(value)), count);
  }

  /**
   * Reduces the resolution until the options hold. The buckets are counted before the zero bucket takes some of them: a
   * process that declares a higher zero threshold would otherwise make the schema rise.
   */
  end(): void {
    this.positive.join();
    this.negative.join();
    this.#reduceWhile(() => this.#maxBuckets > 0 && this.buckets > this.#maxBuckets);
    this.#widenZero();
  }

  /** Reduces the resolution of a histogram that is shown already, until few enough buckets are adjacent, also empty ones. */
  narrow(maxWidth: number): void {
    this.#reduceWhile(() => Math.max(this.positive.width, this.negative.width) > maxWidth);
  }

  get buckets(): number {
    return this.positive.length + this.negative.length;
  }

  /** Prometheus refuses a histogram whose count is another. */
  get count(): number {
    return this.zeroCount + this.positive.total() + this.negative.total();
  }

  toPlain(): NativeHistogram {
    const { schema, zeroThreshold, zeroCount, positive, negative } = this;
    return { schema, zeroThreshold, zeroCount, positive: plain(positive), negative: plain(negative) };
  }

  #reduceWhile(isTooFine: () => boolean): void {
    while (isTooFine() && this.schema > MIN_SCHEMA) {
      this.schema--;
      this.positive.reduceBy(1);
      this.negative.reduceBy(1);
    }
  }

  /** Moves bins up to the zero threshold into the zero bucket, whose threshold a bin that contains it widens. */
  #widenZero(): void {
    const { positive, negative, schema } = this;
    const exponent = exponentOf(this.zeroThreshold);
    let end = schema >= 0 ? exponent * 2 ** schema : exponent >> -schema;
    // below schema 0 the threshold may be within a bin
    if (schema < 0 && end << -schema !== exponent && (positive.has(end) || negative.has(end))) {
      this.zeroThreshold = upperBound(schema, end);
      end++;
    }
    this.zeroCount += positive.takeBelow(end) + negative.takeBelow(end);
  }
}

/**
 * Writes the values of a series' lines: a cumulative count per bucket, the sum, the count. The classic counts of a writing
 * process may be a moment older or newer than its bins.
 *
 * @param first the slot of the first bucket
 * @param count the sum of the bins
 * @param more further counts per bucket, not cumulative
 */
export function writeNativeLines(
  slots: Float64Array,
  first: number,
  bounds: number,
  count: number,
  more: Float64Array | undefined,
  values: Float64Array,
  at: number,
): number {
  let cumulative = 0;
  for (let bucket = 0; bucket < bounds; bucket++) {
    cumulative += slots[first + bucket] + (more === undefined ? 0 : more[bucket]);
    values[at + bucket] = Math.min(cumulative, count);
  }
  values[at + bounds] = count;
  values[at + bounds + 1] = slots[first + bounds + 1];
  values[at + bounds + 2] = count;
  return at + bounds + 3;
}

/** Returns a value just above a bound. It stands for the values in the bucket +Inf. */
export function valueAbove(bound: number): number {
  return Math.min(Number.MAX_VALUE, bound + Math.max(Number.MIN_VALUE, Math.abs(bound) * Number.EPSILON));
}

/** Adds histograms that are shown already. */
export function sumOfNative(parts: readonly NativeHistogram[]): NativeHistogram {
  const reading = new NativeReading();
  const { schema, zeroThreshold } = lowestOptions(parts.map((part) => ({ ...part, maxBuckets: 0 })))!;
  reading.begin({ schema, zeroThreshold, maxBuckets: 0 }, 0);
  for (const part of parts) reading.include(part);
  reading.end();
  return reading.toPlain();
}

/** A bucket by its bounds. Those of positive buckets are (lower, upper], those of negative ones [lower, upper). */
export interface BucketRange {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

/** Returns the buckets in ascending order, with the zero bucket between the negative and the positive ones if it counts any. */
export function bucketRanges({ schema, zeroThreshold, zeroCount, positive, negative }: NativeHistogram): BucketRange[] {
  const bound = (index: number): number => upperBound(schema, index - 1);
  const zero = { lower: -zeroThreshold, upper: zeroThreshold, count: zeroCount };
  return [
    ...negative.map(([index, count]) => ({ lower: -bound(index), upper: -bound(index - 1), count })).toReversed(),
    ...(zeroCount > 0 ? [zero] : []),
    ...positive.map(([index, count]) => ({ lower: bound(index - 1), upper: bound(index), count })),
  ];
}

function plain({ bins, counts, length }: BinList): NativeBucket[] {
  return Array.from({ length }, (_, at) => [bins[at] + 1, counts[at]] as const);
}
