/**
 * The messages of Prometheus remote write: prometheus.WriteRequest of 1.0 and io.prometheus.write.v2.Request of 2.0
 * (prometheus/prompb). The writer of the expositions makes the bytes (`exposition/wire.ts`): a protobuf library would be many
 * times as large as these two messages, whose fields receivers have fixed.
 */
import { fixed64Field, messageField, packedVarints, stringField, varintField, WireBuffer } from '../exposition/wire.js';
import { writeNative } from '../exposition/native-fields.js';
import type { Exemplar, MetricFamily, MetricType } from '../model/metric-family.js';
import { type NativeHistogram, NativeReading } from '../model/native-histogram.js';

/** A line of an exposition. */
export interface RemoteSeries {
  /** With `__name__`, sorted by name. */
  readonly labels: LabelPairs;
  readonly family: RemoteFamily;
  /** The labels in the form of 1.0, once they were written. */
  bytes?: Uint8Array;
}

type LabelPairs = readonly (readonly [name: string, value: string])[];

/** The same object for all series of a family. */
export type RemoteFamily = Readonly<Pick<MetricFamily, 'name' | 'type' | 'help' | 'unit'>>;

export interface RemoteSample {
  readonly series: RemoteSeries;
  /** Undefined for a series that has ended: the receiver gets a stale marker. */
  readonly value: number | undefined;
  /** In place of the value, whose series is then the histogram: its count and sum are those of the observations. */
  readonly native?: { readonly buckets: NativeHistogram; readonly sum: number };
  readonly exemplar?: Exemplar;
  /** Milliseconds since the epoch. */
  readonly createdAt?: number;
}

/** One version of the protocol. */
export interface RemoteWriteVersion {
  readonly headers: Readonly<Record<string, string>>;
  /** @param time of all samples, in milliseconds since the epoch */
  readonly encode: (samples: readonly RemoteSample[], time: number, withMetadata: boolean) => Uint8Array;
}

export type VersionName = '1.0' | '2.0';

export const VERSIONS: Readonly<Record<VersionName, RemoteWriteVersion>> = {
  '1.0': {
    headers: { 'content-type': 'application/x-protobuf', 'x-prometheus-remote-write-version': '0.1.0' },
    encode: encodeOne,
  },
  '2.0': {
    headers: {
      'content-type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
      'x-prometheus-remote-write-version': '2.0.0',
    },
    encode: encodeTwo,
  },
};

/** MetricType of both messages. */
const TYPE_NUMBERS: Readonly<Record<MetricType, number>> = {
  ...{ unknown: 0, counter: 1, gauge: 2, histogram: 3, summary: 5, info: 6, stateset: 7 },
};

/** Prometheus' NaN for a stale series, other than the NaN of arithmetic. */
const STALE = 0x7ff0_0000_0000_0002n;

const SAMPLE = { value: 1, timestamp: 2 } as const;
// equal in both messages, as SAMPLE and NATIVE are
const EXEMPLAR = { labels: 1, value: 2, timestamp: 3 } as const;
const HISTOGRAM = { count: 1, sum: 3, timestamp: 15 } as const;
const NATIVE = {
  ...{ schema: 4, zeroThreshold: 5, zeroCount: 6 },
  ...{ negativeSpan: 8, negativeDelta: 9, positiveSpan: 11, positiveDelta: 12 },
} as const;
const ONE = {
  ...{ timeseries: 1, metadata: 3 },
  series: { label: 1, sample: 2, exemplar: 3, histogram: 4 },
  label: { name: 1, value: 2 },
  family: { type: 1, name: 2, help: 4, unit: 5 },
} as const;
const TWO = {
  ...{ symbol: 4, timeseries: 5 },
  series: { labelRefs: 1, sample: 2, histogram: 3, exemplar: 4, metadata: 5, created: 6 },
  metadata: { type: 1, helpRef: 3, unitRef: 4 },
} as const;

function encodeOne(samples: readonly RemoteSample[], time: number, withMetadata: boolean): Uint8Array {
  const out = new WireBuffer();
  const sample = new SampleField(time);
  for (const { series, value, native, exemplar } of samples) {
    const point = native === undefined ? sample.of(value) : histogramField(ONE.series.histogram, native, time);
    const labels = (series.bytes ??= labelFields(ONE.series.label, series.labels));
    const traced = exemplarField(ONE.series.exemplar, exemplar, (pairs) => labelFields(EXEMPLAR.labels, pairs));
    out.message(ONE.timeseries, labels, point, traced);
  }
  if (withMetadata) {
    for (const { name, type, help, unit } of new Set(samples.map(({ series }) => series.family))) {
      const { family } = ONE;
      const fields = [
        varintField(family.type, TYPE_NUMBERS[type]),
        stringField(family.name, name),
        stringField(family.help, help),
      ];
      if (unit !== undefined) fields.push(stringField(family.unit, unit));
      out.append(messageField(ONE.metadata, ...fields));
    }
  }
  return out.written;
}

/** The metadata is part of each series, by numbers of texts. */
function encodeTwo(samples: readonly RemoteSample[], time: number): Uint8Array {
  const symbols = new Symbols();
  const out = new WireBuffer();
  const sample = new SampleField(time);
  const metadataOf = new Map<RemoteFamily, Uint8Array>();
  for (const { series, value, native, exemplar, createdAt } of samples) {
    const point = native === undefined ? sample.of(value) : histogramField(TWO.series.histogram, native, time);
    const refs = symbols.fieldOf(TWO.series.labelRefs, series.labels);
    let metadata = metadataOf.get(series.family);
    if (metadata === undefined) metadataOf.set(series.family, (metadata = metadataField(series.family, symbols)));
    const traced = exemplarField(TWO.series.exemplar, exemplar, (pairs) => symbols.fieldOf(EXEMPLAR.labels, pairs));
    const created = createdAt === undefined ? NOTHING : varintField(TWO.series.created, createdAt);
    out.message(TWO.timeseries, refs, point, traced, metadata, created);
  }
  return Buffer.concat([...symbols.fields(), out.written]);
}

/** Only exemplars with a timestamp are sent. */
function exemplarField(
  field: number,
  exemplar: Exemplar | undefined,
  labelsOf: (pairs: LabelPairs) => Uint8Array,
): Uint8Array {
  if (exemplar === undefined) return NOTHING;
  const { labels, value, timestamp = 0 } = exemplar;
  return messageField(
    field,
    labelsOf(Object.entries(labels)),
    fixed64Field(EXEMPLAR.value, value),
    varintField(EXEMPLAR.timestamp, Math.round(timestamp * 1000)),
  );
}

function metadataField({ type, help, unit = '' }: RemoteFamily, symbols: Symbols): Uint8Array {
  const { metadata } = TWO;
  return messageField(
    TWO.series.metadata,
    varintField(metadata.type, TYPE_NUMBERS[type]),
    varintField(metadata.helpRef, symbols.ref(help)),
    varintField(metadata.unitRef, symbols.ref(unit)),
  );
}

/** Used again for every histogram. */
const reading = new NativeReading();
const fields = new WireBuffer();

function histogramField(
  field: number,
  { buckets, sum }: NonNullable<RemoteSample['native']>,
  time: number,
): Uint8Array {
  reading.set(buckets);
  fields.length = 0;
  writeNative(fields, reading, NATIVE);
  return messageField(
    field,
    varintField(HISTOGRAM.count, reading.count),
    fixed64Field(HISTOGRAM.sum, sum),
    fields.written,
    varintField(HISTOGRAM.timestamp, time),
  );
}

const NOTHING = new Uint8Array(0);

function labelFields(field: number, labels: LabelPairs): Uint8Array {
  const { label } = ONE;
  return Buffer.concat(
    labels.map(([name, value]) => messageField(field, stringField(label.name, name), stringField(label.value, value))),
  );
}

/** The field `samples`, which has the same number in both messages: one value, at the same time for all series. */
class SampleField {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly #valueAt: number;

  constructor(time: number) {
    const timestamp = varintField(SAMPLE.timestamp, time);
    this.bytes = messageField(ONE.series.sample, fixed64Field(SAMPLE.value, 0), timestamp);
    this.#valueAt = this.bytes.length - timestamp.length - Float64Array.BYTES_PER_ELEMENT;
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length);
  }

  /** Returns memory that the next call overwrites. */
  of(value: number | undefined): Uint8Array {
    if (value === undefined) this.#view.setBigUint64(this.#valueAt, STALE, true);
    else this.#view.setFloat64(this.#valueAt, value, true);
    return this.bytes;
  }
}

/** The texts of one request; series refer to them by number. The first one is empty. */
class Symbols {
  readonly #numbers = new Map<string, number>([['', 0]]);

  ref(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) this.#numbers.set(text, (number = this.#numbers.size));
    return number;
  }

  fieldOf(field: number, pairs: LabelPairs): Uint8Array {
    const refs: number[] = [];
    for (const [name, value] of pairs) refs.push(this.ref(name), this.ref(value));
    return packedVarints(field, refs);
  }

  fields(): Uint8Array[] {
    return [...this.#numbers.keys()].map((text) => stringField(TWO.symbol, text));
  }
}
