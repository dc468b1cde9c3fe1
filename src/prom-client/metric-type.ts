import type { Counter } from '../instruments/counter.js';
import type { Gauge } from '../instruments/gauge.js';
import type { Histogram } from '../instruments/histogram.js';
import type { Summary } from '../instruments/summary.js';

/** prom-client's type of metrics in general. */
export type Metric<T extends string = string> = Counter<T> | Gauge<T> | Summary<T> | Histogram<T>;

/** prom-client's type of a callback. */
export type Collector = () => void;

/**
 * prom-client's types declare an enumeration of this name, but its module does not export one. Here it has the values of
 * `type` in `getMetricsAsJSON()`. With the type, the whole module is assignable to prom-client's, which libraries with a
 * `promClient` option require.
 */
export const MetricType = Object.freeze({
  Counter: 'counter',
  Gauge: 'gauge',
  Histogram: 'histogram',
  Summary: 'summary',
}) as unknown as typeof import('prom-client').MetricType;

export type MetricType = import('prom-client').MetricType;
