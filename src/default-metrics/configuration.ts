import type { RegistryContentType } from '../registry/content-type.js';
import type { DefaultMetricGroup } from './upstream.js';

/** Options of the metrics of event loop utilization. */
export interface UtilizationOptions {
  /** Milliseconds between two samples. Default: 100. */
  readonly eventLoopUtilizationTimeout?: number;
  /** Upper bounds of the histogram's buckets. Default: 0.01 to 1 in 13 steps. */
  readonly eventLoopUtilizationBuckets?: number[];
  /** Quantiles of the summary. Default: 0.01, 0.05, 0.5, 0.9, 0.95, 0.99, 0.999. */
  readonly eventLoopUtilizationPercentiles?: number[];
  /** Number of steps in which the summary's window slides. Default: 5. */
  readonly eventLoopUtilizationAgeBuckets?: number;
  /** Seconds of the summary's window. Default: 60. */
  readonly eventLoopUtilizationMaxAgeSeconds?: number;
}

/**
 * A registry in the type that code which registers metrics expects. With this type the whole module is assignable to
 * prom-client's, which is the type of the `promClient` option of libraries such as fastify-metrics.
 */
export interface RegistryOfType<T extends RegistryContentType> {
  readonly contentType: T;
  registerMetric(metric: any): void;
  getSingleMetric(name: string): any;
}

export interface DefaultMetricsCollectorConfiguration<T extends RegistryContentType> extends UtilizationOptions {
  /** The registry that shows the metrics. Default: the default registry. */
  register?: RegistryOfType<T>;
  /** A prefix for every name. */
  prefix?: string;
  /** Upper bounds in seconds. Default: 0.001, 0.01, 0.1, 1, 2, 5. */
  gcDurationBuckets?: number[];
  /** Milliseconds between two samples of the event loop. Default: 10. */
  eventLoopMonitoringPrecision?: number;
  /** Labels and their values, which are added to every series. */
  labels?: object;
  /**
   * Shows the gauges of each living process as series of their own, with a label `pid`. The CPU counters and the histogram
   * are still summed: they must keep the values of dead processes, and so would get a new series with each restart.
   */
  perProcess?: boolean;
  /** Groups of metrics to collect: names in `metricsList`, or `eventLoopUtilization`. Default: all of `metricsList`. */
  only?: readonly DefaultMetricGroup[];
  /** Groups of metrics to leave out. */
  exclude?: readonly DefaultMetricGroup[];
  /** Adds the two metrics of event loop utilization that @prometheus-io/client 0.16 has. Default: false. */
  eventLoopUtilization?: boolean;
}
