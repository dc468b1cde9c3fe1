/** Metrics as plain objects, in the shape of prom-client's `getMetricsAsJSON()` and `metric.get()`. */
import type { Exemplar, Labels, MetricFamily, Sample } from '../model/metric-family.js';
import { metricKind } from '../model/metric-kind.js';
import type { NativeHistogram } from '../model/native-histogram.js';

/** Aggregation methods of a prom-client cluster. */
export type Aggregator = 'omit' | 'sum' | 'first' | 'min' | 'max' | 'average';

/**
 * Labels as arguments accept what the types of prom-client and of @prometheus-io/client do, and labels in results are
 * assignable to both: where T is not known, as in libraries with a `promClient` option, the compiler compares the conditional
 * type of the successor only with an equal one.
 */
export type LabelValues<T extends string> = Partial<Record<T, string | number>> | SuccessorLabelValues<T>;
type CollectedLabels<T extends string> = Partial<Record<T, string | number>> & SuccessorLabelValues<T>;
type SuccessorLabelValues<T extends string> = T extends never
  ? Partial<Record<string, never>>
  : Partial<Record<T, string | number>>;

export type CollectFunction<T> = (this: T) => void | Promise<void>;

export interface MetricObject {
  name: string;
  help: string;
  /** 'counter', 'gauge', …: an enum in prom-client's types, a string in its objects. */
  type: any;
  aggregator: Aggregator;
  collect: CollectFunction<any>;
}

export type MetricValue<T extends string> = { value: number; labels: CollectedLabels<T> };
export type MetricValueWithName<T extends string> = MetricValue<T> & {
  metricName?: string;
  exemplar?: ExemplarObject | null;
  /** The count of a native histogram: its buckets. */
  native?: NativeHistogram;
};

export interface MetricObjectWithValues<T extends MetricValue<string>> extends MetricObject {
  values: T[];
}

export interface ExemplarObject {
  labelSet: Labels;
  value: number;
  /** Seconds since the epoch. */
  timestamp?: number;
}

/** The result of `get()`. It has no `collect`, which is in prom-client's types but not in its objects. */
export type CollectedMetric<T extends string> = MetricObjectWithValues<MetricValueWithName<T>>;

/** Returns a family as prom-client's object, in which bounds and quantiles are numbers. */
export function metricObject<T extends string>(family: MetricFamily, aggregator: Aggregator): CollectedMetric<T> {
  const { name, help, type } = family;
  const values = family.samples.map((sample) => metricValue<T>(family, sample));
  return { help, name, type, values, aggregator } as unknown as CollectedMetric<T>;
}

function metricValue<T extends string>({ name, type }: MetricFamily, sample: Sample): MetricValueWithName<T> {
  const labels: Record<string, string | number> = { ...sample.labels };
  const value: MetricValueWithName<T> = { value: sample.value, labels: labels as CollectedLabels<T> };
  const { lineLabel } = metricKind(type);
  const bound = lineLabel === undefined ? undefined : sample.labels[lineLabel];
  if (bound !== undefined && bound !== '+Inf') labels[lineLabel!] = Number(bound);
  // prom-client gives each value of a histogram a name, and each bucket an exemplar, which may be null
  if (type === 'histogram') {
    value.metricName = sample.name;
    value.exemplar =
      sample.exemplar === undefined ? (bound === undefined ? undefined : null) : exemplarObject(sample.exemplar);
  } else {
    if (sample.name !== name) value.metricName = sample.name;
    if (sample.exemplar !== undefined) value.exemplar = exemplarObject(sample.exemplar);
  }
  if (sample.native !== undefined) value.native = sample.native;
  return value;
}

function exemplarObject({ labels, value, timestamp }: Exemplar): ExemplarObject {
  return { labelSet: { ...labels }, value, timestamp };
}

/** Returns the family of an object from a metric of another library, such as prom-client. */
export function familyOfObject(metric: ForeignMetricObject): MetricFamily {
  const { name, help, type } = metric;
  const samples = (metric.values ?? []).map((from): Sample => {
    const sample: Sample = { name: from.metricName ?? name, labels: {}, value: from.value };
    for (const [label, value] of Object.entries({ ...from.labels, ...from.sharedLabels })) {
      sample.labels[label] = String(value);
    }
    if (from.exemplar) {
      const { labelSet, value, timestamp } = from.exemplar;
      sample.exemplar = { labels: labelSet, value, timestamp };
    }
    if (from.native !== undefined) sample.native = from.native;
    return sample;
  });
  return { name, help, type, samples, aggregator: metric.aggregator };
}

/** A metric of another client: an element of `getMetricsAsJSON()`, or the result of `metric.get()`. */
export interface ForeignMetricObject {
  name: string;
  help: string;
  type: MetricFamily['type'];
  aggregator?: string;
  values?: {
    value: number;
    metricName?: string;
    labels?: Record<string, unknown>;
    sharedLabels?: Record<string, unknown>;
    exemplar?: ExemplarObject | null;
    native?: NativeHistogram;
  }[];
}
