import type { DefaultMetricsCollectorConfiguration } from '../default-metrics/configuration.js';
import { defaultMetricNames } from '../default-metrics/default-metric-groups.js';
import { collectDefaultMetrics } from '../default-metrics/default-metrics.js';
import type { DefaultMetricGroup } from '../default-metrics/upstream.js';

/** The exports of a file below prom-client/lib/metrics. */
export interface DefaultMetricFile {
  /** Registers the metrics of one group; without a registry, in the default one. */
  (registry?: object | null, config?: object): void;
  metricNames: readonly string[];
}

export function defaultMetricFile(group: DefaultMetricGroup): DefaultMetricFile {
  const collect = (registry?: object | null, config: object = {}): void => {
    const register = (registry ?? undefined) as DefaultMetricsCollectorConfiguration<any>['register'];
    collectDefaultMetrics({ ...config, register, only: [group] });
  };
  return Object.assign(collect, { metricNames: defaultMetricNames(group) });
}
