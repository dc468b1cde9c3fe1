import type { Counter } from '../instruments/counter.js';
import type { Gauge } from '../instruments/gauge.js';
import type { Histogram } from '../instruments/histogram.js';
import type { Summary } from '../instruments/summary.js';

/** prom-client's type of metrics in general. */
export type Metric<T extends string = string> = Counter<T> | Gauge<T> | Summary<T> | Histogram<T>;

/** prom-client's type of a callback. */
export type Collector = () => void;
