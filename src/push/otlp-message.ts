/**
 * ExportMetricsServiceRequest of OTLP (open-telemetry/opentelemetry-proto, metrics.proto). The mapping is that of the
 * specification «Prometheus and OpenMetrics compatibility»; names stay as they are.
 */
import { fixed64, fixed64Field, messageField, packedVarints, stringField, varintField } from '../exposition/wire.js';
import type { GroupedSeries } from '../exposition/grouped-series.js';
import type { Exemplar, Labels, MetricFamily, MetricType } from '../model/metric-family.js';
import { NativeReading } from '../model/native-histogram.js';
import { type Line, metricKind } from '../model/metric-kind.js';

const RESOURCE_METRICS = { resource: 1, scopeMetrics: 2 } as const;
const SCOPE_METRICS = { scope: 1, metrics: 2 } as const;
const METRIC = {
  ...{ name: 1, description: 2, unit: 3 },
  ...{ gauge: 5, sum: 7, histogram: 9, exponential: 10, summary: 11 },
} as const;
const DATA = { points: 1, temporality: 2, isMonotonic: 3 } as const;
const CUMULATIVE = 2;
/** The fields that all kinds of points have. */
const POINT = { start: 2, time: 3 } as const;
const NUMBER_POINT = { value: 4, exemplars: 5, attributes: 7, flags: 8 } as const;
const HISTOGRAM_POINT = {
  ...{ attributes: 9, count: 4, sum: 5, bucketCounts: 6, bounds: 7, flags: 10, exemplars: 8 },
} as const;
const EXPONENTIAL_POINT = {
  ...{ attributes: 1, count: 4, sum: 5, scale: 6, zeroCount: 7, positive: 8, negative: 9 },
  ...{ flags: 10, exemplars: 11, zeroThreshold: 14 },
} as const;
const BUCKETS = { offset: 1, counts: 2 } as const;
const SUMMARY_POINT = { count: 4, sum: 5, quantiles: 6, attributes: 7, flags: 8 } as const;
const QUANTILE = { share: 1, value: 2 } as const;
const EXEMPLAR = { time: 2, value: 3, spanId: 4, traceId: 5, attributes: 7 } as const;
const KEY_VALUE = { key: 1, value: 2 } as const;
const ANY_VALUE = { text: 1 } as const;
/** DATA_POINT_FLAGS_NO_RECORDED_VALUE_MASK: the series has ended. */
const NO_RECORDED_VALUE = 1;

/** The kinds of data of OTLP, each with the numbers of fields that its points have. */
interface PointKind {
  readonly field: number;
  /** Fields of the data beside the points. */
  readonly data: Uint8Array;
  readonly attributes: number;
  readonly flags: number;
  readonly values: (series: GroupedSeries, lines: readonly Line[]) => Uint8Array[];
}

const temporality = varintField(DATA.temporality, CUMULATIVE);

const NOTHING = new Uint8Array(0);

const NUMBER = {
  ...NUMBER_POINT,
  values: ({ values: [value], exemplars: [exemplar] }: GroupedSeries) => [
    fixed64Field(NUMBER_POINT.value, value),
    ...exemplarFields(NUMBER_POINT.exemplars, exemplar),
  ],
};
const COUNTER_DATA = Buffer.concat([temporality, varintField(DATA.isMonotonic, 1)]);
const GAUGE: PointKind = { ...NUMBER, field: METRIC.gauge, data: NOTHING };
const STATE: PointKind = { ...NUMBER, field: METRIC.sum, data: temporality };

const POINT_KINDS: Readonly<Record<MetricType, PointKind>> = {
  counter: { ...NUMBER, field: METRIC.sum, data: COUNTER_DATA },
  gauge: GAUGE,
  unknown: GAUGE,
  // the specification wants sums that are not monotonic for both
  info: STATE,
  stateset: STATE,
  histogram: { ...HISTOGRAM_POINT, field: METRIC.histogram, data: temporality, values: histogramValues },
  summary: { ...SUMMARY_POINT, field: METRIC.summary, data: NOTHING, values: summaryValues },
};

/** A histogram with native buckets. OTLP has one kind per name, so that classic buckets beside them are not sent. */
const EXPONENTIAL: PointKind = {
  ...EXPONENTIAL_POINT,
  field: METRIC.exponential,
  data: temporality,
  values: exponentialValues,
};

/** Units of Prometheus, as UCUM names them. Others stay as they are. */
const UNITS: Readonly<Record<string, string>> = {
  ...{ seconds: 's', bytes: 'By', ratio: '1', percent: '%', meters: 'm', grams: 'g', celsius: 'Cel' },
  ...{ volts: 'V', amperes: 'A', joules: 'J', hertz: 'Hz' },
};

/** The metric and the attributes of a series; the attributes are encoded once. */
export interface OtlpSeries {
  readonly metric: OtlpMetric;
  readonly attributes: Uint8Array;
}

/** The same for all series of a family. */
export interface OtlpMetric {
  readonly kind: PointKind;
  readonly head: Uint8Array;
}

export function otlpMetric({ name, help, type, unit = '' }: MetricFamily, isNative: boolean): OtlpMetric {
  const fields = [stringField(METRIC.name, metricKind(type).ownName(name)), stringField(METRIC.description, help)];
  if (unit !== '') fields.push(stringField(METRIC.unit, UNITS[unit] ?? unit));
  return { kind: isNative ? EXPONENTIAL : POINT_KINDS[type], head: Buffer.concat(fields) };
}

export function otlpSeries(metric: OtlpMetric, labels: Labels): OtlpSeries {
  return { metric, attributes: attributeFields(metric.kind.attributes, labels) };
}

/** @param time milliseconds since the epoch */
export function pointOf(sent: OtlpSeries, series: GroupedSeries, lines: readonly Line[], time: number): Uint8Array {
  const { kind } = sent.metric;
  const { created } = series;
  const start = created !== undefined ? [fixed64Field(POINT.start, nanoseconds(created * 1000))] : [];
  return messageField(
    DATA.points,
    sent.attributes,
    ...start,
    fixed64Field(POINT.time, nanoseconds(time)),
    ...kind.values(series, lines),
  );
}

/** A point that ends its series. */
export function endOf({ metric, attributes }: OtlpSeries, time: number): Uint8Array {
  const flags = varintField(metric.kind.flags, NO_RECORDED_VALUE);
  return messageField(DATA.points, attributes, fixed64Field(POINT.time, nanoseconds(time)), flags);
}

/** @param points by their metrics */
export function otlpRequest(resource: Labels, points: ReadonlyMap<OtlpMetric, readonly Uint8Array[]>): Uint8Array {
  const metrics = [...points].map(([{ kind, head }, own]) =>
    messageField(SCOPE_METRICS.metrics, head, messageField(kind.field, ...own, kind.data)),
  );
  const scope = messageField(SCOPE_METRICS.scope, stringField(1, 'prom-multiproc'));
  return messageField(
    1,
    messageField(RESOURCE_METRICS.resource, attributeFields(1, resource)),
    messageField(RESOURCE_METRICS.scopeMetrics, scope, ...metrics),
  );
}

function histogramValues({ values, exemplars }: GroupedSeries, lines: readonly Line[]): Uint8Array[] {
  const bounds: number[] = [];
  const counts: bigint[] = [];
  const traced: Uint8Array[] = [];
  const others: Uint8Array[] = [];
  let below = 0;
  for (const [at, { name, label }] of lines.entries()) {
    if (label !== undefined) {
      if (label.value !== '+Inf') bounds.push(Number(label.value));
      counts.push(BigInt(Math.max(0, Math.trunc(values[at] - below))));
      below = values[at];
      traced.push(...exemplarFields(HISTOGRAM_POINT.exemplars, exemplars[at]));
    } else if (name.endsWith('_sum')) {
      others.push(fixed64Field(HISTOGRAM_POINT.sum, values[at]));
    }
  }
  // the count has to be the sum of the buckets, also where the lines of another library disagree
  const count = counts.reduce((sum, each) => sum + each, 0n);
  return [
    fixed64Field(HISTOGRAM_POINT.count, count),
    ...others,
    messageField(HISTOGRAM_POINT.bucketCounts, ...counts.map(fixed64)),
    messageField(HISTOGRAM_POINT.bounds, ...bounds.map(fixed64)),
    ...traced,
  ];
}

/** OTLP writes every bucket between the first and the last, also the empty ones: at most so many. */
const MAX_WIDTH = 320;
/** Used again for every histogram. */
const reading = new NativeReading();

function exponentialValues({ values, exemplars, native }: GroupedSeries, lines: readonly Line[]): Uint8Array[] {
  reading.set(native!);
  reading.narrow(MAX_WIDTH);
  const sum = values[lines.findIndex(({ name }) => name.endsWith('_sum'))] ?? 0;
  return [
    fixed64Field(EXPONENTIAL_POINT.count, BigInt(reading.count)),
    fixed64Field(EXPONENTIAL_POINT.sum, sum),
    signedField(EXPONENTIAL_POINT.scale, reading.schema),
    fixed64Field(EXPONENTIAL_POINT.zeroCount, BigInt(reading.zeroCount)),
    fixed64Field(EXPONENTIAL_POINT.zeroThreshold, reading.zeroThreshold),
    ...bucketFields(EXPONENTIAL_POINT.positive, reading.positive),
    ...bucketFields(EXPONENTIAL_POINT.negative, reading.negative),
    ...exemplars.flatMap((exemplar) => exemplarFields(EXPONENTIAL_POINT.exemplars, exemplar)),
  ];
}

/** A bucket has the number of its lower bound here, as bins have, and that of its upper bound in Prometheus. */
function bucketFields(field: number, bins: NativeReading['positive']): Uint8Array[] {
  if (bins.length === 0) return [];
  const [first] = bins.bins;
  return [messageField(field, signedField(BUCKETS.offset, first), packedVarints(BUCKETS.counts, bins.adjacent()))];
}

/** A sint32. */
function signedField(field: number, value: number): Uint8Array {
  return varintField(field, value < 0 ? -2 * value - 1 : 2 * value);
}

function summaryValues({ values }: GroupedSeries, lines: readonly Line[]): Uint8Array[] {
  return lines.map(({ name, label }, at) => {
    if (label !== undefined) {
      const share = fixed64Field(QUANTILE.share, Number(label.value));
      return messageField(SUMMARY_POINT.quantiles, share, fixed64Field(QUANTILE.value, values[at]));
    }
    if (name.endsWith('_sum')) return fixed64Field(SUMMARY_POINT.sum, values[at]);
    return fixed64Field(SUMMARY_POINT.count, BigInt(Math.max(0, Math.trunc(values[at]))));
  });
}

/** Labels `trace_id` and `span_id` are the ids, where they have the form of ids. */
function exemplarFields(field: number, exemplar: Exemplar | undefined): Uint8Array[] {
  if (exemplar?.timestamp === undefined) return [];
  const { trace_id: traceId = '', span_id: spanId = '', ...others } = exemplar.labels;
  const labels: Labels = { ...others };
  const parts: Uint8Array[] = [];
  for (const [number, name, id, pattern] of [
    [EXEMPLAR.spanId, 'span_id', spanId, /^[0-9a-f]{16}$/i],
    [EXEMPLAR.traceId, 'trace_id', traceId, /^[0-9a-f]{32}$/i],
  ] as const) {
    if (pattern.test(id)) parts.push(messageField(number, Buffer.from(id, 'hex')));
    else if (id !== '') labels[name] = id;
  }
  const at = fixed64Field(EXEMPLAR.time, nanoseconds(exemplar.timestamp * 1000));
  const value = fixed64Field(EXEMPLAR.value, exemplar.value);
  return [messageField(field, attributeFields(EXEMPLAR.attributes, labels), at, value, ...parts)];
}

function attributeFields(field: number, labels: Labels): Uint8Array {
  return Buffer.concat(
    Object.entries(labels)
      .filter(([, value]) => value !== '')
      .map(([name, value]) =>
        messageField(
          field,
          stringField(KEY_VALUE.key, name),
          messageField(KEY_VALUE.value, stringField(ANY_VALUE.text, value)),
        ),
      ),
  );
}

function nanoseconds(ms: number): bigint {
  // to the microsecond: a double has no more digits of the time
  return BigInt(Math.round(ms * 1000)) * 1000n;
}
