/**
 * The data model of an exposition, which both arms share. It follows OpenMetrics 1.0, section 4 (MetricFamily, Metric,
 * MetricPoint), flattened to samples as in the text formats.
 */

import type { NativeHistogram } from './native-histogram.js';

/** OpenMetrics types. The text format calls 'unknown' 'untyped'. */
export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'info' | 'stateset' | 'unknown';

/** Label values by name. This package makes them as objects without a prototype. */
export type Labels = Record<string, string>;

/** One traced observation of a counter or a histogram bucket (OpenMetrics 1.0, 4.6). */
export interface Exemplar {
  labels: Labels;
  value: number;
  /** Seconds since the epoch. */
  timestamp?: number;
}

/** One line of an exposition. */
export interface Sample {
  /** The full sample name, such as `http_request_duration_seconds_bucket`. */
  name: string;
  labels: Labels;
  value: number;
  exemplar?: Exemplar;
  /** The count of a native histogram: its buckets. */
  native?: NativeHistogram;
}

export interface MetricFamily {
  /** The name that the user gave: `jobs_total`, `jobs_done`. The family name of OpenMetrics is derived from it. */
  name: string;
  help: string;
  type: MetricType;
  /** Base unit, such as `seconds`; only if the name ends with it. */
  unit?: string;
  /** prom-client's aggregator for merging processes; only if it is not the sum. */
  aggregator?: string;
  samples: Sample[];
}
