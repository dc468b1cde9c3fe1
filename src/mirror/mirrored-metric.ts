/**
 * One metric of another client, copied into a metric of this package.
 *
 * Values that are summed over processes must be added here too: each copy adds the increase since the previous copy. If the
 * source shows less than before, it has started again from 0, so its whole value is added.
 */
import { Counter } from '../instruments/counter.js';
import { Gauge } from '../instruments/gauge.js';
import { Histogram } from '../instruments/histogram.js';
import { Summary } from '../instruments/summary.js';
import { metricKind } from '../model/metric-kind.js';
import type { MultiprocessMode } from '../model/gauge-mode.js';
import type { ForeignMetricObject } from '../registry/metric-object.js';
import type { Registry } from '../registry/registry.js';
import { defaultMetricAggregator, isProcessWide } from './default-metric-merge.js';

type SourceValue = NonNullable<ForeignMetricObject['values']>[number];

export interface MirrorTarget {
  readonly registers: Registry<any>[];
  /** The label names that the source declares; further labels of its values are added. */
  readonly labelNames: readonly string[];
  /** The name of the metric in the table of default metrics, if it is another one. */
  readonly unprefixedName?: string;
  /** The merge mode of a gauge. Default: the one in that table, then that of its `aggregator`. */
  readonly multiprocessMode?: MultiprocessMode;
  /** Updates the copy; called before it is read. */
  readonly collect: () => void | Promise<void>;
}

type Labels = Record<string, string | number>;

export interface MirroredMetric {
  readonly labelNames: readonly string[];
  update(values: readonly SourceValue[]): void;
}

/** Returns all label names that the copy needs. */
export function labelNamesOf(source: ForeignMetricObject, known: readonly string[]): string[] {
  const names = new Set(known);
  for (const { labels } of source.values ?? []) for (const name in labels) names.add(name);
  const { lineLabel } = metricKind(source.type);
  if (lineLabel !== undefined) names.delete(lineLabel);
  return [...names];
}

/**
 * Makes the copy. Returns undefined if it must wait for the first value of the source, which shows a histogram's buckets, or
 * if the type of the source cannot be copied.
 *
 * @throws {Error} errors of the constructors, such as for a name that is already registered
 */
export function mirroredMetric(source: ForeignMetricObject, target: MirrorTarget): MirroredMetric | undefined {
  const labelNames = labelNamesOf(source, target.labelNames);
  const { name, help } = source;
  const config = { name, help, labelNames, registers: target.registers, collect: target.collect };
  const processWide = isProcessWide(target.unprefixedName ?? name);
  switch (source.type) {
    case 'counter':
      return new MirroredCounter(labelNames, new Counter({ ...config, processWide }));
    case 'gauge':
      return new MirroredGauge(labelNames, new Gauge({ ...config, processWide, ...mergeOf(source, target) }));
    case 'summary':
      // quantiles of several processes cannot be merged: only sum and count are copied
      return new MirroredObservations(labelNames, [], new Summary({ ...config, percentiles: [] }));
    case 'histogram': {
      // prom-client shows no line of a histogram with labels before its first observation
      if (source.values === undefined || source.values.length === 0) return undefined;
      const bounds = boundsOf(source);
      return new MirroredObservations(labelNames, bounds, new Histogram({ ...config, buckets: bounds }));
    }
    default:
      return undefined;
  }
}

function mergeOf(source: ForeignMetricObject, target: MirrorTarget): object {
  const { multiprocessMode } = target;
  if (multiprocessMode !== undefined) return { multiprocessMode };
  return { aggregator: defaultMetricAggregator(target.unprefixedName ?? source.name) ?? source.aggregator };
}

class MirroredCounter implements MirroredMetric {
  readonly #last = new Map<string, number>();

  constructor(
    readonly labelNames: readonly string[],
    readonly counter: Counter,
  ) {}

  update(values: readonly SourceValue[]): void {
    for (const { labels, value } of values) {
      const own = ownLabels(labels);
      const key = keyOf(this.labelNames, own);
      const more = increase(value, this.#last.get(key));
      // if this fails (no room, or the source has no finite number), the next copy adds the increase
      if (more < 0 || this.counter.labels(own).addTotal(more)) this.#last.set(key, value);
    }
  }
}

class MirroredGauge implements MirroredMetric {
  #shown = new Map<string, Labels>();

  constructor(
    readonly labelNames: readonly string[],
    readonly gauge: Gauge,
  ) {}

  update(values: readonly SourceValue[]): void {
    const before = this.#shown;
    this.#shown = new Map();
    for (const { labels, value } of values) {
      const own = ownLabels(labels);
      const key = keyOf(this.labelNames, own);
      this.gauge.set(own, value);
      this.#shown.set(key, own);
      before.delete(key);
    }
    for (const gone of before.values()) this.gauge.remove(gone);
  }
}

/** Counts of one series at the source: per bucket and not cumulative, the count above all bounds last; and the sum. */
interface Counts {
  readonly labels: Labels;
  readonly perBucket: Float64Array;
  sum: number;
}

/** Histograms and summaries. */
class MirroredObservations implements MirroredMetric {
  readonly #last = new Map<string, Counts>();

  constructor(
    readonly labelNames: readonly string[],
    readonly bounds: readonly number[],
    readonly metric: Histogram | Summary,
  ) {}

  update(values: readonly SourceValue[]): void {
    for (const [key, counts] of this.#countsOf(values)) {
      const last = this.#last.get(key);
      const hasRestarted = counts.perBucket.some((n, at) => n < (last?.perBucket[at] ?? 0));
      // as for counters
      if (this.#add(counts, hasRestarted ? undefined : last)) this.#last.set(key, counts);
    }
  }

  /** Returns false if there is no room for the series, or the counts are not finite. */
  #add(counts: Counts, last: Counts | undefined): boolean {
    const sum = counts.sum - (last?.sum ?? 0);
    const perBucket = counts.perBucket.map((n, at) => n - (last?.perBucket[at] ?? 0));
    return this.metric instanceof Summary
      ? this.metric.labels(counts.labels).addTotals(sum, perBucket[0])
      : this.metric.labels(counts.labels).addCounts(perBucket, sum);
  }

  #countsOf(values: readonly SourceValue[]): Map<string, Counts> {
    const series = new Map<string, Counts>();
    for (const { labels, value, metricName = '' } of values) {
      const { le, ...own } = ownLabels(labels);
      delete own.quantile;
      const key = keyOf(this.labelNames, own);
      let counts = series.get(key);
      if (counts === undefined) {
        counts = { labels: own, perBucket: new Float64Array(this.bounds.length + 1), sum: 0 };
        series.set(key, counts);
      }
      if (metricName.endsWith('_sum')) counts.sum = value;
      else if (metricName.endsWith('_count')) counts.perBucket[this.bounds.length] = value;
      else if (le !== undefined) counts.perBucket[this.#bucketOf(Number(le))] = value;
    }
    for (const { perBucket } of series.values()) {
      for (let at = perBucket.length - 1; at > 0; at--) perBucket[at] -= perBucket[at - 1];
    }
    return series;
  }

  /** '+Inf' is NaN here, since it has no bound. */
  #bucketOf(le: number): number {
    const at = this.bounds.indexOf(le);
    return at < 0 ? this.bounds.length : at;
  }
}

/** Returns the increase since the previous copy; the whole value if the source started again. */
function increase(value: number, last: number | undefined): number {
  return last === undefined || value < last ? value : value - last;
}

/** Leaves out labels without a value. */
function ownLabels(labels: SourceValue['labels']): Labels {
  const own: Labels = Object.create(null) as Labels;
  for (const name in labels) if (labels[name] !== undefined) own[name] = labels[name] as string | number;
  return own;
}

function keyOf(labelNames: readonly string[], labels: Labels): string {
  return JSON.stringify(labelNames.map((name) => labels[name]));
}

function boundsOf({ values = [] }: ForeignMetricObject): number[] {
  const bounds = new Set<number>();
  for (const { labels } of values) {
    const bound = Number(labels?.le);
    if (Number.isFinite(bound)) bounds.add(bound);
  }
  return [...bounds].toSorted((a, b) => a - b);
}
