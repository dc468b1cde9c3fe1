/** Options of the constructors of metrics: those of prom-client, and further ones for several processes. */
import type { MultiprocessMode } from '../model/gauge-mode.js';
import type { NameValidation } from '../model/naming.js';
import type { Aggregator, CollectFunction, LabelValues } from '../registry/metric-object.js';

/** The part of a registry that a metric needs. Registries of this package and of prom-client have it. */
export interface RegistryOfMetrics {
  readonly contentType: string;
  registerMetric(metric: any): void;
  removeSingleMetric(name: string): void;
  getSingleMetric(name: string): unknown;
}

export interface MetricConfiguration<T extends string> {
  name: string;
  help: string;
  labelNames?: T[] | readonly T[];
  /** Registries that show the metric. Default: the default registry. */
  registers?: readonly RegistryOfMetrics[];
  /** prom-client's merging in a cluster. Counters, histograms and summaries are always summed; `omit` hides the metric. */
  aggregator?: Aggregator;
  /** A function that updates the values; it is called before the metric is read. */
  collect?: CollectFunction<any>;
  /**
   * Whether samples may carry exemplars; OpenMetrics and protobuf show them. With 'trace', calls stay as they are, and a
   * sample within a sampled span of OpenTelemetry gets the ids of that span, at most once per series and second.
   */
  enableExemplars?: boolean | 'trace';
  /** Base unit, such as `seconds`, for the UNIT line of OpenMetrics. The name must end with it, or with it and `_total`. */
  unit?: string;
  /**
   * 'utf8' allows any UTF-8 text as a name of the metric or of its labels, as Prometheus 3 does: `http.server.duration`. A
   * scraper that does not ask for such names gets escaped ones. Default: 'legacy', which allows letters, digits, `_` and
   * `:`.
   */
  nameValidation?: NameValidation;
  /**
   * Maximum number of series of the metric in this process. Samples of further series are dropped and counted. Default:
   * PROM_MULTIPROC_MAX_SERIES_PER_METRIC, or 100,000.
   */
  maxSeries?: number;
  /**
   * Series with labels that have not changed for this time are not shown any more. Gauges are removed; a counter, histogram or
   * summary keeps its counts in the file, and is shown while another process uses it. A fold drops the counts of processes
   * that have been dead for this time, unless a living process has the series.
   */
  expireAfterSeconds?: number;
}

/** For metrics whose labels are not known when they are made: `true` lets them get labels later. */
export const OPEN_LABELS: unique symbol = Symbol('open labels');

export interface CounterConfiguration<T extends string> extends MetricConfiguration<T> {
  /**
   * The metric belongs to the process and not to the thread: every thread that has it counts the same value since the start
   * of the process. Merging takes the highest value of a process. Default: false.
   */
  processWide?: boolean;
}

export interface GaugeConfiguration<T extends string> extends MetricConfiguration<T> {
  /** How the values of several processes are merged; not allowed together with `aggregator`. Default: `livesum`. */
  multiprocessMode?: MultiprocessMode;
  /**
   * The metric belongs to the process and not to the thread, such as the memory in use: every thread that has it measures
   * the same value. Merging takes the value of a process that was set last. Default: false.
   */
  processWide?: boolean;
}

export interface HistogramConfiguration<T extends string> extends MetricConfiguration<T> {
  /**
   * Upper bounds. They are sorted, and duplicates are removed. The bucket +Inf always exists and need not be given. With
   * `nativeHistogramBucketFactor`, `[]` makes a histogram that is native only.
   */
  buckets?: readonly number[];
  /**
   * Makes the histogram a native one too: its buckets grow by at most this factor, and it has as many as the values need. 1.1
   * is accurate to 10 %. Prometheus reads native histograms in protobuf; other formats show the classic buckets.
   */
  nativeHistogramBucketFactor?: number;
  /** Values up to this magnitude count as zero. It is rounded up to a power of two. Default: 2^-128. */
  nativeHistogramZeroThreshold?: number;
  /** A series with more native buckets is shown with buckets of twice the width, or more. 0: no limit. Default: 160. */
  nativeHistogramMaxBucketNumber?: number;
}

export interface SummaryConfiguration<T extends string> extends MetricConfiguration<T> {
  /** Quantiles to show, each in [0, 1]. */
  percentiles?: readonly number[];
  /** Together with `ageBuckets`: quantiles are computed over the last `maxAgeSeconds` seconds. */
  maxAgeSeconds?: number;
  /** The number of steps in which the sliding window moves. */
  ageBuckets?: number;
  /** Series whose windows are all empty are removed. */
  pruneAgedBuckets?: boolean;
  /** An option of prom-client's t-digest. It has no effect here: nothing is compressed. */
  compressCount?: number;
}

export interface InfoConfiguration<T extends string> extends MetricConfiguration<T> {}

export interface StateSetConfiguration<T extends string, S extends string> extends MetricConfiguration<T> {
  /** All possible states. */
  states: readonly S[];
}

export interface IncreaseDataWithExemplar<T extends string> {
  value?: number;
  labels?: LabelValues<T>;
  exemplarLabels?: LabelValues<T>;
}

export interface ObserveDataWithExemplar<T extends string> {
  value: number;
  labels?: LabelValues<T>;
  exemplarLabels?: LabelValues<T>;
}
