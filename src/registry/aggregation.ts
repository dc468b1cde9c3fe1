/**
 * `Registry.aggregate`: objects of several `getMetricsAsJSON()` become one registry. Nothing in this package needs it, for
 * processes merge through their files; programs that gather such objects by themselves do.
 */
import type { ForeignMetricObject } from './metric-object.js';
import type { RegisteredMetric } from './member.js';

/** What takes in the metrics that aggregation makes. */
interface AggregateRegistry {
  registerMetric(metric: RegisteredMetric): void;
}

export interface Aggregators {
  readonly [name: string]: ((metrics: readonly object[]) => ForeignMetricObject | undefined) | undefined;
}

/** prom-client's own: loaded when they are needed, as there is nothing else that needs them. */
export function promClientAggregators(): Aggregators {
  return (require('prom-client/lib/metricAggregators') as { aggregators: Aggregators }).aggregators;
}

/** @throws {Error} prom-client's, for an aggregator that there is not */
export function aggregateInto<R extends AggregateRegistry>(registry: R, metricsArr: readonly object[]): R {
  const byName = new Map<string, ForeignMetricObject[]>();
  for (const metric of (metricsArr as readonly ForeignMetricObject[][]).flat()) {
    const found = byName.get(metric.name);
    if (found === undefined) byName.set(metric.name, [metric]);
    else found.push(metric);
  }
  const aggregators = promClientAggregators();
  for (const metrics of byName.values()) {
    const name = metrics[0].aggregator;
    const aggregate = Object.hasOwn(aggregators, String(name)) ? aggregators[String(name)] : undefined;
    if (typeof aggregate !== 'function') throw new Error(`'${name}' is not a defined aggregator.`);
    const aggregated = aggregate(metrics);
    if (aggregated !== undefined) registry.registerMetric({ ...aggregated, get: () => aggregated });
  }
  return registry;
}
