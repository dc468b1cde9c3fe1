import { brand } from '../copies.js';
import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import { assertLabelsDeclared } from '../model/label-set.js';
import { MAX_WINDOWS } from '../model/sketch.js';
import type { LabelValues } from '../registry/metric-object.js';
import type { ChildHome } from './child.js';
import type { SummaryConfiguration } from './configuration.js';
import { getOrCreate } from './get-or-create.js';
import { invalidValue, MAY_OVERFLOW } from './invalid-number.js';
import { currentEpoch, SketchChunks, type SlidingWindow } from './sketch-chunks.js';
import { TimedChild, TimedMetric } from './timed-metric.js';

const DEFAULT_PERCENTILES: readonly number[] = [0.01, 0.05, 0.5, 0.9, 0.95, 0.99, 0.999];

const LIMIT = MAY_OVERFLOW;

/** One series of a summary: sum, count, and the sketch that its quantiles are computed from. */
export class SummaryChild extends TimedChild {
  readonly sketch: SketchChunks;

  constructor(home: ChildHome, labelValues: readonly (string | undefined)[], window: SlidingWindow) {
    super(home, labelValues);
    this.sketch = new SketchChunks(this, window);
  }

  /**
   * A value that would make the sum infinite is dropped and counted as a dropped sample.
   *
   * @throws {TypeError} prom-client's error, where the value is not a finite number
   */
  observe(value: number): void {
    if (typeof value !== 'number' || !(Math.abs(value) < LIMIT)) {
      SummaryChild.#observeUnusual(this, value);
      return;
    }
    const child = this.index >= 0 ? this : this.written;
    if (child === undefined) return;
    const { view, index } = child;
    view[index] += value;
    view[index + 1]++;
    child.sketch.add(value);
  }

  /**
   * Adds observations of another client, of which only sum and count are known; quantiles do not change.
   *
   * @returns false if they are dropped because they are not finite or `maxSeries` allows no more series
   */
  addTotals(sum: number, count: number): boolean {
    const child = this.written;
    if (child === undefined) return false;
    const total = child.view[child.index] + sum;
    if (!Number.isFinite(total) || !Number.isFinite(count)) return this.home.dropUncountable(sum);
    child.view[child.index] = total;
    child.view[child.index + 1] += count;
    return true;
  }

  takeSeconds(seconds: number): void {
    this.observe(seconds);
  }

  /** Static, since a private method would add a field to every child. */
  static #observeUnusual(child: SummaryChild, value: unknown): void {
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw invalidValue(value === undefined ? child.home.objectOf(child.labelValues) : value);
    }
    if (child.addTotals(value, 1)) child.written?.sketch.add(value);
  }
}

/**
 * Count and sum of observations, and their quantiles with at most 1 % relative error, over all time or the last
 * `maxAgeSeconds`. The quantiles of several processes are those of all their observations together.
 */
export class Summary<T extends string = string> extends TimedMetric<T, SummaryChild> {
  readonly percentiles: readonly number[];
  readonly maxAgeSeconds: number | undefined;
  readonly ageBuckets: number | undefined;
  readonly pruneAgedBuckets: boolean;

  /**
   * Returns the metric of this configuration: the one that the registries already have, or a new one.
   *
   * @throws {Error} as the constructor does
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the registries have a different metric of that name; the text
   * names the difference
   */
  static getOrCreate<T extends string = string>(config: SummaryConfiguration<T>): Summary<T> {
    return getOrCreate(Summary<T>, config);
  }

  /**
   * @throws {Error} prom-client's error, for a label `quantile`
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT for a percentile outside [0, 1] or an invalid window
   */
  constructor(config: SummaryConfiguration<T>) {
    super(config, () => {
      const quantiles = checkedPercentiles(config.percentiles ?? DEFAULT_PERCENTILES);
      const window = windowOf(config);
      const prune = config.pruneAgedBuckets === true;
      let preparedAt = currentEpoch(window);
      return {
        type: 'summary',
        declaration: window === undefined ? { quantiles } : { quantiles, window },
        child: (home, labelValues) => new SummaryChild(home, labelValues, window),
        sketch: ({ sketch }) => sketch.read(),
        prepareRead: (series) => {
          const epoch = currentEpoch(window);
          const slid = epoch !== preparedAt;
          preparedAt = epoch;
          if (!slid && !prune) return;
          for (const child of series.index) {
            if (slid) child.sketch.releaseExpired();
            if (prune && !child.attachments?.length) series.remove(child);
          }
        },
      };
    });
    this.percentiles = config.percentiles ?? DEFAULT_PERCENTILES;
    this.maxAgeSeconds = config.maxAgeSeconds;
    this.ageBuckets = config.ageBuckets;
    this.pruneAgedBuckets = config.pruneAgedBuckets === true;
  }

  /** @throws {Error} prom-client's error, for a label that was not declared, or a value that is not a finite number */
  observe(labels: LabelValues<T>, value: number): void;
  observe(value: number): void;
  observe(labels: unknown, value?: unknown): void {
    if (typeof labels === 'object' && labels !== null) {
      const child = this.series.ofObject(labels as Record<string, unknown>);
      child.observe((value === undefined ? labels : value) as number);
    } else if (value === undefined && (labels || labels === 0)) {
      if (typeof labels !== 'number') assertLabelsDeclared(this.labelNames, Object(labels) as object);
      this.unlabelled.observe(labels as number);
    } else {
      this.unlabelled.observe(value as number);
    }
  }

  /** Sets all series to zero; they stay visible. */
  override reset(): void {
    for (const child of this.series.index) {
      child.view.fill(0, child.index, child.index + 2);
      child.sketch.clear();
    }
  }
}

brand(Summary, 'Summary');

export namespace Summary {
  export interface Config {
    /** Quantiles to show. */
    percentiles?: number[];
  }

  /** The methods of prom-client's children; the children that `labels()` returns have more. */
  export interface Internal<T extends string = string> {
    observe(value: number): void;
    startTimer(): (labels?: LabelValues<T>) => number;
  }
}

function checkedPercentiles(percentiles: readonly number[]): readonly number[] {
  for (const percentile of percentiles) {
    if (typeof percentile === 'number' && percentile >= 0 && percentile <= 1) continue;
    throw invalidArgument(
      `the percentile ${inspect(percentile)} is not in [0, 1]: 0.99 is the value that 99 % of all values are below`,
    );
  }
  return percentiles;
}

/** As in prom-client, windows slide only if both options are given. */
function windowOf({ maxAgeSeconds, ageBuckets }: SummaryConfiguration<string>): SlidingWindow {
  if (!maxAgeSeconds || !ageBuckets) return undefined;
  if (maxAgeSeconds > 0 && Number.isInteger(ageBuckets) && ageBuckets > 0 && ageBuckets <= MAX_WINDOWS) {
    return { seconds: maxAgeSeconds / ageBuckets, count: ageBuckets };
  }
  throw invalidArgument(
    `maxAgeSeconds ${inspect(maxAgeSeconds)} in ageBuckets ${inspect(ageBuckets)}: give a positive number of seconds, and a whole number of buckets from 1 to ${MAX_WINDOWS}`,
  );
}
