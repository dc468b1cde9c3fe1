/**
 * `Registry.aggregate`: makes one registry of the results of several `getMetricsAsJSON()`. Nothing in this package needs it,
 * since processes merge through their files. It is for programs that collect such objects themselves.
 */
import type { ForeignMetricObject } from './metric-object.js';
import type { RegisteredMetric } from './member.js';

/** A registry that aggregated metrics are added to. */
interface AggregateRegistry {
  registerMetric(metric: RegisteredMetric): void;
}

export interface Aggregators {
  readonly [name: string]: ((metrics: readonly object[]) => ForeignMetricObject | undefined) | undefined;
}

/** Returns prom-client's own aggregators. They are loaded on demand, since nothing else needs them. */
export function promClientAggregators(): Aggregators {
  return (require('prom-client/lib/metricAggregators') as { aggregators: Aggregators }).aggregators;
}

/** @throws {Error} prom-client's error, for an unknown aggregator */
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
