import type { Counter } from '../instruments/counter.js';
import type { Gauge } from '../instruments/gauge.js';
import type { Histogram } from '../instruments/histogram.js';
import type { Summary } from '../instruments/summary.js';

/** prom-client's type of metrics in general. */
export type Metric<T extends string = string> = Counter<T> | Gauge<T> | Summary<T> | Histogram<T>;

/** prom-client's type of a callback. */
export type Collector = () => void;

/**
 * prom-client's types have an enumeration of this name, and its module has none. Here it has the values that `type` has in
 * `getMetricsAsJSON()`, and the type, so that the module as a whole is assignable to prom-client's, which libraries that
 * are given a client ask for.
 */
export const MetricType = Object.freeze({
  Counter: 'counter',
  Gauge: 'gauge',
  Histogram: 'histogram',
  Summary: 'summary',
}) as unknown as typeof import('prom-client').MetricType;

export type MetricType = import('prom-client').MetricType;
