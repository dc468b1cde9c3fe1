import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import type { PrometheusContentType, RegistryContentType } from '../registry/content-type.js';
import {
  collectGroups,
  DEFAULT_GROUPS,
  type DefaultMetricGroup,
  isDefaultMetricGroup,
} from './default-metric-groups.js';
import { DefaultMetricMaker, type DefaultMetricOptions, type UtilizationOptions } from './default-metric-maker.js';

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

export interface CollectDefaultMetrics {
  /**
   * Registers prom-client's default metrics of this process.
   *
   * @throws {TypeError} prom-client's error, where `config` is not an object
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT for an unknown group
   * @throws {Error} prom-client's error, where a metric is already registered
   */
  <T extends RegistryContentType = PrometheusContentType>(config?: DefaultMetricsCollectorConfiguration<T>): void;
  /** Names of the groups of metrics. */
  metricsList: string[];
}

export const collectDefaultMetrics: CollectDefaultMetrics = Object.assign(
  (config?: DefaultMetricsCollectorConfiguration<any>): void => {
    if (config !== null && config !== undefined && typeof config !== 'object') {
      throw new TypeError('config must be null, undefined, or an object');
    }
    collectGroups(chosenGroups(config ?? {}), new DefaultMetricMaker((config ?? {}) as DefaultMetricOptions));
  },
  { metricsList: [...DEFAULT_GROUPS] },
);

function chosenGroups(config: DefaultMetricsCollectorConfiguration<any>): Set<DefaultMetricGroup> {
  const { only = DEFAULT_GROUPS, exclude = [], eventLoopUtilization } = config;
  const unknown = [...only, ...exclude].find((group) => !isDefaultMetricGroup(group));
  if (unknown !== undefined) {
    throw invalidArgument(
      `${inspect(unknown)} is no group of default metrics: only and exclude take ${DEFAULT_GROUPS.join(', ')}, eventLoopUtilization`,
    );
  }
  const groups = new Set(only);
  if (eventLoopUtilization === true) groups.add('eventLoopUtilization');
  for (const group of exclude) groups.delete(group);
  return groups;
}
