/**
 * `Registry.aggregate`: makes one registry of the results of several `getMetricsAsJSON()`. Nothing in this package needs it,
 * since processes merge through their files. It is for programs that collect such objects themselves.
 */
import { type NativeHistogram, sumOfNative } from '../model/native-histogram.js';
import type { ForeignMetricObject } from './metric-object.js';
import type { RegisteredMetric } from './member.js';

interface AggregateRegistry {
  registerMetric(metric: RegisteredMetric): void;
}

export interface Aggregators {
  readonly [name: string]: ((metrics: readonly object[]) => ForeignMetricObject | undefined) | undefined;
}

/** prom-client's functions that merge objects of `getMetricsAsJSON()`, by name. */
export const { aggregators } = require('prom-client/lib/metricAggregators') as { readonly aggregators: Aggregators };

/** Returns a filter for metrics with an aggregator; without one given, every metric passes. */
export function hasAggregator(aggregator?: string): (metric: { readonly aggregator?: string }) => boolean {
  return (metric) => aggregator === undefined || (metric.aggregator ?? 'sum') === aggregator;
}

/** @throws {Error} prom-client's error, for an unknown aggregator */
export function aggregateInto<R extends AggregateRegistry>(registry: R, metricsArr: readonly object[]): R {
  const byName = new Map<string, ForeignMetricObject[]>();
  for (const metric of (metricsArr as readonly ForeignMetricObject[][]).flat()) {
    const found = byName.get(metric.name);
    if (found === undefined) byName.set(metric.name, [metric]);
    else found.push(metric);
  }
  for (const metrics of byName.values()) {
    const name = metrics[0].aggregator;
    const aggregate = Object.hasOwn(aggregators, String(name)) ? aggregators[String(name)] : undefined;
    if (typeof aggregate !== 'function') throw new Error(`'${name}' is not a defined aggregator.`);
    const aggregated = aggregate(metrics);
    if (aggregated !== undefined) addNative(aggregated, metrics);
    if (aggregated !== undefined) registry.registerMetric({ ...aggregated, get: () => aggregated });
  }
  return registry;
}

/** Adds the sum of native histograms, which prom-client's aggregators do not know, to the counts. */
function addNative(aggregated: ForeignMetricObject, metrics: readonly ForeignMetricObject[]): void {
  const bySeries = new Map<string, NativeHistogram[]>();
  for (const value of metrics.flatMap(({ values = [] }) => values)) {
    if (value.native === undefined) continue;
    const key = seriesKey(value);
    bySeries.set(key, [...(bySeries.get(key) ?? []), value.native]);
  }
  if (bySeries.size === 0) return;
  for (const value of aggregated.values ?? []) {
    const natives = bySeries.get(seriesKey(value));
    if (natives !== undefined) value.native = sumOfNative(natives);
  }
}

function seriesKey({ metricName, labels = {} }: NonNullable<ForeignMetricObject['values']>[number]): string {
  return JSON.stringify([metricName, Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}
