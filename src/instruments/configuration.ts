/** What metrics are constructed with. Names and options are prom-client's but for those of several processes. */
import type { MultiprocessMode } from '../model/gauge-mode.js';
import type { NameValidation } from '../model/naming.js';
import type { Aggregator, CollectFunction, LabelValues } from '../registry/metric-object.js';

/** What a metric needs of a registry: this package's are registries so, and prom-client's too. */
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
  /** Registries that show the metric; the default registry where none are given. */
  registers?: readonly RegistryOfMetrics[];
  /** How a prom-client cluster merges it. Counters, histograms and summaries always add up; `omit` hides the metric. */
  aggregator?: Aggregator;
  /** Called before the metric is read, to bring its values up to date. */
  collect?: CollectFunction<any>;
  /** Whether samples may carry exemplars; they are shown where OpenMetrics is asked for. */
  enableExemplars?: boolean;
  /** Base unit, such as `seconds`, for OpenMetrics' UNIT line. The name has to end with it, before `_total` if it has that. */
  unit?: string;
  /**
   * 'utf8' allows any UTF-8 text for the names of the metric and its labels, as Prometheus 3 does: `http.server.duration`.
   * A scraper that does not ask for such names is shown escaped ones. Default 'legacy': letters, digits, `_` and `:`.
   */
  nameValidation?: NameValidation;
  /**
   * Most series that it may have in this process; samples of further ones are dropped, and counted. Default:
   * PROM_MULTIPROC_MAX_SERIES_PER_METRIC, or 100,000.
   */
  maxSeries?: number;
  /**
   * Series with labels that have not changed for so long are taken out, in this process, when the metric is read. A counter
   * that is taken out starts from nothing with its next increase.
   */
  expireAfterSeconds?: number;
}

export interface CounterConfiguration<T extends string> extends MetricConfiguration<T> {
  collect?: CollectFunction<any>;
  /**
   * It is the process's and not the thread's, and each thread that has the metric counts the same from the start of the process
   * on: of one process the highest value counts. Default: false.
   */
  processWide?: boolean;
}

export interface GaugeConfiguration<T extends string> extends MetricConfiguration<T> {
  collect?: CollectFunction<any>;
  /** How the values of several processes become one; not together with `aggregator`. Default: `livesum`. */
  multiprocessMode?: MultiprocessMode;
  /**
   * It is the process's and not the thread's, such as the memory in use, and each thread that has the metric measures the
   * same: of one process the value that was set last counts. Default: false.
   */
  processWide?: boolean;
}

export interface HistogramConfiguration<T extends string> extends MetricConfiguration<T> {
  /** Upper bounds; sorted, each once, without +Inf, which is always there. */
  buckets?: readonly number[];
  collect?: CollectFunction<any>;
}

export interface SummaryConfiguration<T extends string> extends MetricConfiguration<T> {
  /** Quantiles to show, each in [0, 1]. */
  percentiles?: readonly number[];
  /** Together with `ageBuckets`: quantiles are those of the last so many seconds. */
  maxAgeSeconds?: number;
  /** The sliding window moves on in this many steps. */
  ageBuckets?: number;
  /** Series whose windows are all empty are removed. */
  pruneAgedBuckets?: boolean;
  /** prom-client's t-digest has it; nothing is compressed here. */
  compressCount?: number;
  collect?: CollectFunction<any>;
}

export interface InfoConfiguration<T extends string> extends MetricConfiguration<T> {}

export interface StateSetConfiguration<T extends string, S extends string> extends MetricConfiguration<T> {
  /** All states that there are. */
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
