/**
 * The data model that both arms share: what an exposition shows. After OpenMetrics 1.0, section 4 (MetricFamily, Metric,
 * MetricPoint), flattened to samples as the text formats are.
 */

/** OpenMetrics types. 'unknown' is what the text format calls 'untyped'. */
export type MetricType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'info' | 'stateset' | 'unknown';

/** Label names to values. A null-prototype object where this package makes it. */
export type Labels = Record<string, string>;

/** One traced observation beside a counter or a histogram bucket (OpenMetrics 1.0, 4.6). */
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
}

export interface MetricFamily {
  /** As the user named it: `jobs_total`, `jobs_done`. Rendering for OpenMetrics derives its family name from this. */
  name: string;
  help: string;
  type: MetricType;
  /** Base unit, such as `seconds`; only where the name ends with it. */
  unit?: string;
  /** How prom-client merges families of several processes; only where that is not by sums. */
  aggregator?: string;
  samples: Sample[];
}
