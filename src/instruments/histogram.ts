import { brand } from '../copies.js';
import { looksForTrace, type TraceContext, type TracedSeries, traceExemplar } from './active-trace.js';
import { DEFAULT_BUCKETS, normalizeBounds } from '../model/buckets.js';
import { Bins, type NativeOptions, nativeOptions } from '../model/native-bins.js';
import { NativeReading, valueAbove } from '../model/native-histogram.js';
import type { CollectedMetric, LabelValues } from '../registry/metric-object.js';
import type { ChildHome } from './child.js';
import type { HistogramConfiguration, ObserveDataWithExemplar } from './configuration.js';
import { getOrCreate } from './get-or-create.js';
import { setExemplar } from './exemplar-attachment.js';
import { invalidValue, MAY_OVERFLOW } from './invalid-number.js';
import { NativeChunks } from './native-chunks.js';
import { TimedChild, TimedMetric } from './timed-metric.js';

/** Up to this number of bounds a linear search finds the bucket faster than a binary search. */
const LOOP_UP_TO = 16;

const LIMIT = MAY_OVERFLOW;

/** The further arguments of timers. */
type Exemplar = [exemplarLabels?: LabelValues<string>];

/** One series of a histogram: a count per bucket, a count of the values above all bounds, and the sum. */
export class HistogramChild extends TimedChild<Exemplar> {
  // not a field with the value undefined first: V8 would check its type at every use
  declare protected readonly bounds: Float64Array;

  constructor(home: ChildHome, labelValues: readonly (string | undefined)[], bounds: Float64Array) {
    super(home, labelValues);
    this.bounds = bounds;
  }

  /**
   * A value that would make the sum infinite is dropped and counted as a dropped sample.
   *
   * @throws {TypeError} prom-client's error, where the value is not a finite number
   */
  observe(value: number): void;
  /** With `enableExemplars`: the exemplar replaces the previous one of the bucket. */
  observe(observation: Omit<ObserveDataWithExemplar<string>, 'labels'>): void;
  observe(value: unknown): void {
    if (typeof value !== 'number' || !(Math.abs(value) < LIMIT)) {
      this.observeUnusual(value);
      return;
    }
    const child = this.index >= 0 ? this : this.written;
    if (child === undefined) return;
    const { view, index } = child;
    const bounds = this.bounds;
    view[index + bucketOf(bounds, value)]++;
    view[index + bounds.length + 1] += value;
  }

  /**
   * Adds observations of another client, of which only the counts and the sum are known.
   *
   * @param perBucket counts that are not cumulative; the last one counts the values above all bounds
   * @returns false if they are dropped because they are not finite or `maxSeries` allows no more series
   */
  addCounts(perBucket: Float64Array, sum: number): boolean {
    const child = this.written;
    if (child === undefined) return false;
    const { view, index } = child;
    const total = view[index + perBucket.length] + sum;
    if (!Number.isFinite(total) || !perBucket.every(Number.isFinite)) return this.home.dropUncountable(sum);
    for (let at = 0; at < perBucket.length; at++) view[index + at] += perBucket[at];
    view[index + perBucket.length] = total;
    return true;
  }

  /** Shows the series, at zero if no value was observed yet. */
  zero(): void {
    void this.written;
  }

  /**
   * Sets the exemplar of the bucket that a value belongs to, without counting.
   *
   * @throws {RangeError} prom-client's error, where the labels are too long
   */
  updateExemplar(value: number, exemplarLabels: LabelValues<string>): void {
    setExemplar(this.home, this.written, bucketOf(this.bounds, value), exemplarLabels, value);
  }

  takeSeconds(seconds: number, exemplarLabels: LabelValues<string>): void {
    if (this.home.exemplars) this.observe({ value: seconds, exemplarLabels });
    else this.observe(seconds);
  }

  protected observeUnusual(value: unknown): void {
    if (typeof value === 'number' || !this.home.exemplars || typeof value !== 'object' || value === null) {
      this.#observeAny(value);
      return;
    }
    const { value: observed, exemplarLabels } = value as ObserveDataWithExemplar<string>;
    if (this.#observeAny(observed) && exemplarLabels !== undefined) this.updateExemplar(observed, exemplarLabels);
  }

  /** Returns false if the sample is dropped. */
  #observeAny(value: unknown): boolean {
    if (typeof value !== 'number' || !Number.isFinite(value)) throw invalidValue(value);
    return this.addOne(value);
  }

  /** Counts a finite value of any size. Returns false if the sample is dropped. */
  protected addOne(value: number): boolean {
    const counts = new Float64Array(this.bounds.length + 1);
    counts[bucketOf(this.bounds, value)] = 1;
    return this.addCounts(counts, value);
  }
}

/** One series of a native histogram. It counts classic buckets as well, unless it has none. */
class NativeHistogramChild extends HistogramChild {
  declare readonly native: NativeChunks;

  constructor(
    home: ChildHome,
    labelValues: readonly (string | undefined)[],
    bounds: Float64Array,
    { schema, zeroThreshold }: NativeOptions,
  ) {
    super(home, labelValues, bounds);
    this.native = new NativeChunks(this, Bins.of(schema), zeroThreshold);
  }

  override observe(value: number): void;
  override observe(observation: Omit<ObserveDataWithExemplar<string>, 'labels'>): void;
  override observe(value: unknown): void {
    // the bins come first: readers show their sum as the count
    if (typeof value === 'number' && this.index >= 0 && this.native.count(value)) this.#addToBuckets(value);
    else this.#observeSlowly(value);
  }

  #observeSlowly(value: unknown): void {
    if (typeof value !== 'number' || !(Math.abs(value) < LIMIT)) {
      this.observeUnusual(value);
      return;
    }
    const child = this.written;
    if (child === undefined) return;
    child.native.addTimes(value, 1);
    child.#addToBuckets(value);
  }

  #addToBuckets(value: number): void {
    const { view, index, bounds } = this;
    const { length } = bounds;
    if (length > 0) view[index + bucketOf(bounds, value)]++;
    // without the range check of an addition
    view[(index + length + 1) | 0] += value;
  }

  /** Counts each bucket at its upper bound. */
  override addCounts(perBucket: Float64Array, sum: number): boolean {
    const { bounds } = this;
    const valueOf = (bucket: number): number => bounds[bucket] ?? aboveAll(bounds);
    return this.#add(perBucket, sum, (native) => {
      perBucket.forEach((count, bucket) => {
        if (count > 0) native.addTimes(valueOf(bucket), count);
      });
    });
  }

  protected override addOne(value: number): boolean {
    const { length } = this.bounds;
    const counts = new Float64Array(length + 1);
    if (length > 0) counts[bucketOf(this.bounds, value)] = 1;
    return this.#add(counts, value, (native) => native.addTimes(value, 1));
  }

  #add(counts: Float64Array, sum: number, addBins: (native: NativeChunks) => void): boolean {
    const child = this.written;
    if (child === undefined) return false;
    const { length } = this.bounds;
    const total = child.view[child.index + length + 1] + sum;
    if (!Number.isFinite(total) || !counts.every(isCount)) return this.home.dropUncountable(sum);
    addBins(child.native);
    const { view, index } = child;
    for (let at = 0; at < length; at++) view[index + at] += counts[at];
    if (length > 0) view[index + length] += counts[length];
    view[index + length + 1] = total;
    return true;
  }
}

/** Returns a class of children whose samples get the trace that they belong to as exemplar. */
function traced<Class extends new (...args: any[]) => HistogramChild>(Kind: Class): Class {
  return class extends Kind implements TracedSeries {
    traceBeat = 0;
    traceSamples = 0;
    tracedAt = 0;

    /** @param context the context of OpenTelemetry, if it is not the active one */
    override observe(value: unknown, context?: TraceContext): void {
      super.observe(value as number);
      if (context === undefined && !looksForTrace(this)) return;
      const exemplar = traceExemplar(this, context);
      if (exemplar !== undefined && typeof value === 'number') this.updateExemplar(value, exemplar);
    }
  };
}

/** Each series is read before the next one. */
const READING = new NativeReading();

const TracedHistogramChild = traced(HistogramChild);
const TracedNativeHistogramChild = traced(NativeHistogramChild);

/** Counts observations in buckets, and sums them. */
export class Histogram<T extends string = string> extends TimedMetric<T, HistogramChild, Exemplar> {
  /** Upper bounds of the buckets, ascending, without +Inf. */
  readonly upperBounds: readonly number[];
  readonly buckets: readonly number[];

  /**
   * Returns the metric of this configuration: the one that the registries already have, or a new one.
   *
   * @throws {Error} as the constructor does
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the registries have a different metric of that name; the text
   * names the difference
   */
  static getOrCreate<T extends string = string>(config: HistogramConfiguration<T>): Histogram<T> {
    return getOrCreate(Histogram<T>, config);
  }

  /**
   * @throws {Error} prom-client's error, for a label `le`
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT for a bucket that is not a number, and for options of native
   * histograms that break a rule
   */
  constructor(config: HistogramConfiguration<T>) {
    super(config, () => {
      const bounds = normalizeBounds(config.buckets ?? DEFAULT_BUCKETS);
      const searched = Float64Array.from(bounds);
      const native = nativeOptions(config);
      const isTraced = config.enableExemplars === 'trace';
      const Classic = isTraced ? TracedHistogramChild : HistogramChild;
      const Native = isTraced ? TracedNativeHistogramChild : NativeHistogramChild;
      return {
        type: 'histogram',
        declaration: native === undefined ? { bounds } : { bounds, native },
        child: (home, labelValues) =>
          native === undefined
            ? new Classic(home, labelValues, searched)
            : new Native(home, labelValues, searched, native),
        // without instanceof: another copy of this package may have made the child
        native: (child) =>
          native === undefined ? undefined : (child as NativeHistogramChild).native.read(native, READING),
      };
    });
    this.upperBounds = this.buckets = Object.freeze([...(this.series.declaration.bounds ?? [])]);
  }

  /** @throws {Error} prom-client's error, for a label that was not declared, or a value that is not a finite number */
  observe(labels: LabelValues<T>, value: number): void;
  observe(value: number): void;
  /** With `enableExemplars`. */
  observe(observation: ObserveDataWithExemplar<T>): void;
  observe(labels: unknown, value?: unknown): void {
    if (typeof labels === 'object' && labels !== null) {
      if (this.enableExemplars && value === undefined) this.#observeWithExemplar(labels as ObserveDataWithExemplar<T>);
      else this.series.ofObject(labels as Record<string, unknown>).observe(value as number);
    } else {
      // prom-client treats a missing first argument and NaN as «no labels»
      this.unlabelled.observe((labels || labels === 0 ? labels : value) as number);
    }
  }

  /** Shows the series of these labels, at zero if no value was observed yet. It does not reset the series. */
  zero(labels: LabelValues<T>): void {
    this.series.ofObject(labels).zero();
  }

  /** Sets an exemplar without counting. @throws {RangeError} prom-client's error, where its labels are too long */
  updateExemplar(labels: LabelValues<T>, value: number, exemplarLabels: LabelValues<string>): void {
    this.series.ofObject(labels).updateExemplar(value, exemplarLabels);
  }

  /** Like `get()`, with the labels of each value without `le` in a separate object. prom-client's registry calls it. */
  async getForPromString(): Promise<CollectedMetric<T>> {
    const collected = await this.get();
    for (const value of collected.values as { labels: Record<string, unknown>; sharedLabels?: object }[]) {
      const { le, ...sharedLabels } = value.labels;
      value.sharedLabels = sharedLabels;
      value.labels = le === undefined ? {} : { le };
    }
    return collected;
  }

  #observeWithExemplar({ labels, ...observation }: ObserveDataWithExemplar<T>): void {
    this.series.ofObject(labels ?? {}).observe(observation);
  }
}

brand(Histogram, 'Histogram');

export namespace Histogram {
  /** The methods of prom-client's children; the children that `labels()` returns have more. */
  export interface Internal<T extends string = string> {
    observe(value: number): void;
    startTimer(): (labels?: LabelValues<T>) => void;
  }

  export interface Config {
    /** Upper bounds. */
    buckets?: number[];
  }
}

/** Bins have whole numbers only. */
function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Stands for the values that are above all bounds, of which nothing else is known. */
function aboveAll(bounds: Float64Array): number {
  return valueAbove(bounds.at(-1) ?? 0);
}

/** Returns the index of the first bucket whose bound is not below the value; after the last bound if there is none. */
function bucketOf(bounds: Float64Array, value: number): number {
  const { length } = bounds;
  let at = 0;
  if (length <= LOOP_UP_TO) {
    while (at < length && value > bounds[at]) at++;
    return at;
  }
  for (let end = length; at < end;) {
    const middle = (at + end) >>> 1;
    if (value > bounds[middle]) at = middle + 1;
    else end = middle;
  }
  return at;
}
