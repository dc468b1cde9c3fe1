import { inspect } from 'node:util';
import { PromMultiprocError } from '../errors.js';
import type { PrometheusContentType, RegistryContentType } from '../registry/content-type.js';
import {
  collectGroups,
  DEFAULT_GROUPS,
  type DefaultMetricGroup,
  isDefaultMetricGroup,
} from './default-metric-groups.js';
import { DefaultMetricMaker, type DefaultMetricOptions, type UtilizationOptions } from './default-metric-maker.js';

/**
 * A registry as code that registers metrics sees it. By this type the module as a whole is assignable to prom-client's, which
 * libraries that are given a client ask for: fastify-metrics' `promClient`.
 */
export interface RegistryOfType<T extends RegistryContentType> {
  readonly contentType: T;
  registerMetric(metric: any): void;
  getSingleMetric(name: string): any;
}

export interface DefaultMetricsCollectorConfiguration<T extends RegistryContentType> extends UtilizationOptions {
  /** Where they are shown. Default: the default registry. */
  register?: RegistryOfType<T>;
  /** Put before every name. */
  prefix?: string;
  /** Upper bounds in seconds. Default 0.001, 0.01, 0.1, 1, 2, 5. */
  gcDurationBuckets?: number[];
  /** Milliseconds between two looks at the event loop. Default 10. */
  eventLoopMonitoringPrecision?: number;
  /** Labels and their values, which every series gets. */
  labels?: object;
  /**
   * Shows each living process's gauges by themselves, with a label `pid`. The CPU counters and the histogram stay summed:
   * they have to keep what dead processes have counted, and would have a series more with each restart.
   */
  perProcess?: boolean;
  /** Groups of metrics, by their names in `metricsList`, or `eventLoopUtilization`. Default: all of `metricsList`. */
  only?: readonly DefaultMetricGroup[];
  /** Groups that are left out. */
  exclude?: readonly DefaultMetricGroup[];
  /** Adds the two metrics of the event loop's utilization that @prometheus-io/client 0.16 has. Default false. */
  eventLoopUtilization?: boolean;
}

export interface CollectDefaultMetrics {
  /**
   * Registers the metrics of this process that prom-client has by default.
   *
   * @throws {TypeError} prom-client's, where `config` is no object
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT for a group that is not known
   * @throws {Error} prom-client's, where a metric is registered already
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
    throw new PromMultiprocError(
      'ERR_INVALID_ARGUMENT',
      `${inspect(unknown)} is no group of default metrics: only and exclude take ${DEFAULT_GROUPS.join(', ')}, eventLoopUtilization`,
    );
  }
  const groups = new Set(only);
  if (eventLoopUtilization === true) groups.add('eventLoopUtilization');
  for (const group of exclude) groups.delete(group);
  return groups;
}
