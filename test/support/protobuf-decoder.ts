/** Decodes a protobuf exposition with a library that shares no code with our writer. */
import { parse, Reader } from 'protobufjs';
import type { Exemplar, MetricFamily, Sample } from '../../src/model/metric-family.js';
import type { NativeBucket, NativeHistogram } from '../../src/model/native-histogram.js';

/** prometheus/client_model, io/prometheus/client/metrics.proto: the fields that this package writes. */
const { root } = parse(
  `
  syntax = "proto2";
  package io.prometheus.client;
  message LabelPair { optional string name = 1; optional string value = 2; }
  enum MetricType { COUNTER = 0; GAUGE = 1; SUMMARY = 2; UNTYPED = 3; HISTOGRAM = 4; GAUGE_HISTOGRAM = 5; }
  message Timestamp { optional int64 seconds = 1; optional int32 nanos = 2; }
  message Gauge { optional double value = 1; }
  message Counter { optional double value = 1; optional Exemplar exemplar = 2; optional Timestamp created_timestamp = 3; }
  message Quantile { optional double quantile = 1; optional double value = 2; }
  message Summary {
    optional uint64 sample_count = 1; optional double sample_sum = 2; repeated Quantile quantile = 3;
    optional Timestamp created_timestamp = 4;
  }
  message Untyped { optional double value = 1; }
  message Histogram {
    optional uint64 sample_count = 1; optional double sample_sum = 2; repeated Bucket bucket = 3;
    optional Timestamp created_timestamp = 15;
    optional sint32 schema = 5; optional double zero_threshold = 6; optional uint64 zero_count = 7;
    repeated BucketSpan negative_span = 9; repeated sint64 negative_delta = 10;
    repeated BucketSpan positive_span = 12; repeated sint64 positive_delta = 13;
    repeated Exemplar exemplars = 16;
  }
  message BucketSpan { optional sint32 offset = 1; optional uint32 length = 2; }
  message Bucket { optional uint64 cumulative_count = 1; optional double upper_bound = 2; optional Exemplar exemplar = 3; }
  message Exemplar { repeated LabelPair label = 1; optional double value = 2; optional Timestamp timestamp = 3; }
  message Metric {
    repeated LabelPair label = 1; optional Gauge gauge = 2; optional Counter counter = 3; optional Summary summary = 4;
    optional Untyped untyped = 5; optional Histogram histogram = 7; optional int64 timestamp_ms = 6;
  }
  message MetricFamily {
    optional string name = 1; optional string help = 2; optional MetricType type = 3; repeated Metric metric = 4;
    optional string unit = 5;
  }
`,
  { keepCase: true },
);
const Family = root.lookupType('io.prometheus.client.MetricFamily');

interface Timestamp {
  readonly seconds: number;
  readonly nanos: number;
}
interface Traced {
  readonly label?: readonly { readonly name: string; readonly value: string }[];
  readonly value: number;
  readonly timestamp?: Timestamp;
}
interface Metric {
  readonly label?: readonly { readonly name: string; readonly value: string }[];
  readonly gauge?: { readonly value: number };
  readonly untyped?: { readonly value: number };
  readonly counter?: { readonly value: number; readonly exemplar?: Traced; readonly created_timestamp?: Timestamp };
  readonly summary?: {
    readonly sample_count: number;
    readonly sample_sum: number;
    readonly quantile?: readonly { readonly quantile: number; readonly value: number }[];
    readonly created_timestamp?: Timestamp;
  };
  readonly histogram?: {
    readonly sample_count: number;
    readonly sample_sum: number;
    readonly bucket?: readonly {
      readonly cumulative_count: number;
      readonly upper_bound: number;
      readonly exemplar?: Traced;
    }[];
    readonly created_timestamp?: Timestamp;
    readonly schema?: number;
    readonly zero_threshold?: number;
    readonly zero_count?: number;
    readonly negative_span?: readonly Span[];
    readonly negative_delta?: readonly number[];
    readonly positive_span?: readonly Span[];
    readonly positive_delta?: readonly number[];
    readonly exemplars?: readonly Traced[];
  };
}

interface Span {
  readonly offset: number;
  readonly length: number;
}

/** A native histogram, and the other fields of the same message. */
export interface DecodedNative extends NativeHistogram {
  readonly labels: Record<string, string>;
  readonly count: number;
  readonly sum: number;
  readonly exemplars: readonly Exemplar[];
}
export interface DecodedFamily extends Omit<MetricFamily, 'type'> {
  /** The name of the type in metrics.proto. */
  readonly type: string;
  /** Creation times of the series, in seconds since the epoch. */
  readonly created: readonly number[];
  readonly native: readonly DecodedNative[];
}

/** Returns the families of a delimited body, with the samples of a text exposition. */
export function decodeProtobuf(body: Uint8Array): DecodedFamily[] {
  const reader = Reader.create(body);
  const families: DecodedFamily[] = [];
  while (reader.pos < reader.len) {
    const message = Family.toObject(Family.decode(reader, reader.uint32()), { longs: Number, enums: String });
    const { name, help, type, unit, metric = [] } = message as MetricFamily & { metric?: Metric[] };
    const samples = metric.flatMap((each) => samplesOf(name, each));
    const created = metric.flatMap(({ counter, summary, histogram }) => {
      const at = (counter ?? summary ?? histogram)?.created_timestamp;
      return at === undefined ? [] : seconds(at);
    });
    const native = metric.flatMap(nativeOf);
    families.push({ name, help, type, ...(unit !== undefined && { unit }), samples, created, native });
  }
  return families;
}

function nativeOf({ label, histogram }: Metric): DecodedNative[] {
  if (histogram?.schema === undefined) return [];
  const { schema, zero_threshold: zeroThreshold = 0, zero_count: zeroCount = 0 } = histogram;
  return [
    {
      ...{ schema, zeroThreshold, zeroCount },
      positive: bucketsOf(histogram.positive_span, histogram.positive_delta),
      negative: bucketsOf(histogram.negative_span, histogram.negative_delta),
      ...{ labels: pairsOf(label), count: histogram.sample_count, sum: histogram.sample_sum },
      exemplars: (histogram.exemplars ?? []).flatMap((each) => exemplarOf(each) ?? []),
    },
  ];
}

/** The buckets that are not empty, by the numbers that Prometheus gives them. */
function bucketsOf(spans: readonly Span[] = [], deltas: readonly number[] = []): NativeBucket[] {
  const buckets: NativeBucket[] = [];
  let [index, count, at] = [0, 0, 0];
  for (const { offset, length } of spans) {
    index += offset;
    for (let bucket = 0; bucket < length; bucket++, index++) {
      count += deltas[at++];
      if (count > 0) buckets.push([index, count]);
    }
  }
  if (at !== deltas.length) throw new Error(`${deltas.length} deltas in spans of ${at} buckets`);
  return buckets;
}

function samplesOf(name: string, metric: Metric): Sample[] {
  const labels = pairsOf(metric.label);
  const { counter, summary, histogram } = metric;
  const sample = (suffix: string, value: number, own: Record<string, string> = {}, exemplar?: Traced): Sample => ({
    name: name + suffix,
    labels: { ...own, ...labels },
    value,
    ...(exemplar !== undefined && { exemplar: exemplarOf(exemplar) }),
  });
  if (histogram !== undefined) {
    return [
      ...(histogram.bucket ?? []).map(({ cumulative_count: count, upper_bound: bound, exemplar }) =>
        sample('_bucket', count, { le: bound === Infinity ? '+Inf' : String(bound) }, exemplar),
      ),
      sample('_sum', histogram.sample_sum),
      sample('_count', histogram.sample_count),
    ];
  }
  if (summary !== undefined) {
    return [
      ...(summary.quantile ?? []).map(({ quantile, value }) => sample('', value, { quantile: String(quantile) })),
      sample('_sum', summary.sample_sum),
      sample('_count', summary.sample_count),
    ];
  }
  if (counter !== undefined) return [sample('', counter.value, {}, counter.exemplar)];
  return [sample('', (metric.gauge ?? metric.untyped)!.value)];
}

function exemplarOf({ label, value, timestamp }: Traced): Sample['exemplar'] {
  return { labels: pairsOf(label), value, ...(timestamp !== undefined && { timestamp: seconds(timestamp) }) };
}

function pairsOf(pairs: Metric['label'] = []): Record<string, string> {
  return Object.fromEntries(pairs.map(({ name, value }) => [name, value]));
}

function seconds({ seconds: whole, nanos }: Timestamp): number {
  return whole + nanos / 1e9;
}
