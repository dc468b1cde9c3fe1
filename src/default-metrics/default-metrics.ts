import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import type { PrometheusContentType, RegistryContentType } from '../registry/content-type.js';
import type { DefaultMetricsCollectorConfiguration } from './configuration.js';
import { collectGroups, DEFAULT_GROUPS, isDefaultMetricGroup } from './default-metric-groups.js';
import { DefaultMetricMaker } from './default-metric-maker.js';
import type { DefaultMetricGroup } from './upstream.js';

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
    collectGroups(chosenGroups(config ?? {}), new DefaultMetricMaker(config ?? {}));
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
