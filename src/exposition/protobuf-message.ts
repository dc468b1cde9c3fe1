/**
 * The messages of io.prometheus.client (prometheus/client_model, metrics.proto) per metric type: the part that all series of
 * a family have in common. Field numbers are those of metrics.proto.
 */
import type { Exemplar } from '../model/metric-family.js';
import type { Line, MetricKind } from '../model/metric-kind.js';
import type { FamilyHead } from './format.js';
import { fixed64Field, lengthField, messageField, stringField, varintField, writeVarint } from './wire.js';

/** How a value is written: as a double of eight bytes, as a varint, as a Timestamp, or not at all. */
export const Encoding = { Double: 0, Count: 1, Time: 2, None: 3 } as const;
export type Encoding = (typeof Encoding)[keyof typeof Encoding];

/** A place where bytes may be inserted, and the lengths (fields of a fixed width) within the series that include them. */
export interface Hole {
  readonly at: number;
  /** The number of an exemplar's field there. */
  readonly field: number;
  readonly lengths: readonly { readonly at: number; readonly width: number }[];
}

/** The key of the hole for the fields of a native histogram, which is the end of the template. */
export const NATIVE_HOLE = -1;

/** The message of a series without its labels, with zeros as values. */
export interface Template {
  readonly bytes: Uint8Array;
  /** The offsets of the values in their order, and the encoding of each. */
  readonly places: readonly number[];
  readonly encodings: readonly Encoding[];
  /** Keyed by the number of the line whose exemplar is inserted there, or NATIVE_HOLE. */
  readonly holes: ReadonlyMap<number, Hole>;
}

/** MetricType of metrics.proto, keyed by the name of the type in text 0.0.4. */
const TYPE_NUMBERS: Readonly<Record<string, number>> = { counter: 0, gauge: 1, summary: 2, untyped: 3, histogram: 4 };
const FAMILY = { name: 1, help: 2, type: 3, unit: 5 } as const;
/**
 * Field of Metric that holds the value, indexed by MetricType. All these messages but Summary and Histogram have one value.
 */
const VALUE_FIELDS: readonly number[] = [3, 2, 4, 5, 7];
const COUNTER = { value: 1, exemplar: 2, created: 3 } as const;
const SUMMARY = { count: 1, sum: 2, quantile: 3, created: 4 } as const;
const HISTOGRAM = { count: 1, sum: 2, bucket: 3, created: 15, exemplar: 16 } as const;
const BUCKET = { count: 1, bound: 2, exemplar: 3 } as const;
/** Field of the creation time, keyed by the types that have one. */
const CREATED: Readonly<Record<number, number>> = {
  [TYPE_NUMBERS.counter]: COUNTER.created,
  [TYPE_NUMBERS.summary]: SUMMARY.created,
  [TYPE_NUMBERS.histogram]: HISTOGRAM.created,
};
const QUANTILE = { share: 1, value: 2 } as const;
export const LABEL_PAIR = { name: 1, value: 2 } as const;
const EXEMPLAR = { label: 1, value: 2, timestamp: 3 } as const;

/**
 * Bytes of the length of a message that an exemplar may be inserted into: enough for 16 KiB, where an exemplar has at most
 * 128 characters.
 */
const EXEMPLAR_LENGTH_WIDTH = 2;
/** Bytes of the length of a message that contains such messages: enough for 256 MiB. */
export const WIDE_LENGTH_WIDTH = 4;
/** Bytes of the length before each MetricFamily: enough for 32 GiB. */
export const DELIMITER_WIDTH = 5;
/** Bytes of a Timestamp's seconds (enough until the year 3058) and of its nanoseconds. */
const TIME_WIDTH = 5;
const MAX_SECONDS = 0x80 ** TIME_WIDTH - 1;
const NANOS = 1e9;

/** Returns the fields of MetricFamily that are before its metrics. */
export function familyFields(name: string, { help, unit = '', kind }: FamilyHead): Uint8Array {
  const type = varintField(FAMILY.type, typeNumber(kind));
  const fields = [stringField(FAMILY.name, name), stringField(FAMILY.help, help), type];
  if (unit !== '') fields.push(stringField(FAMILY.unit, unit));
  return Buffer.concat(fields);
}

/** Returns the template of a family's series; counts are varints of the given width. */
export function seriesTemplate(
  { kind, lines, native }: FamilyHead,
  showsCreated: boolean,
  countWidth: number,
): Template {
  const type = typeNumber(kind);
  const message = new MessageBuilder();
  if (type === TYPE_NUMBERS.histogram) addHistogram(message, lines, countWidth, native === true);
  else if (type === TYPE_NUMBERS.summary) addSummary(message, lines, countWidth);
  else {
    // the field `value` is the first one of Counter, Gauge and Untyped
    message.double(COUNTER.value);
    if (type === TYPE_NUMBERS.counter) message.hole(0, COUNTER.exemplar);
    for (let line = 1; line < lines.length; line++) message.unshown();
  }
  const created = CREATED[type];
  if (showsCreated && created !== undefined) message.time(created);
  if (type === TYPE_NUMBERS.histogram && native === true) message.hole(NATIVE_HOLE, HISTOGRAM.exemplar);
  const metric = new MessageBuilder();
  metric.message(VALUE_FIELDS[type], message);
  return metric;
}

export function exemplarField(field: number, { labels, value, timestamp }: Exemplar): Uint8Array {
  const parts = Object.entries(labels).map(([name, text]) =>
    messageField(EXEMPLAR.label, stringField(LABEL_PAIR.name, name), stringField(LABEL_PAIR.value, text)),
  );
  parts.push(fixed64Field(EXEMPLAR.value, value));
  if (timestamp !== undefined && timestamp > 0) parts.push(timestampField(EXEMPLAR.timestamp, timestamp));
  return messageField(field, ...parts);
}

/** Overwrites the Timestamp at `at`. */
export function writeTime(target: Uint8Array, at: number, seconds: number): void {
  const whole = Math.min(MAX_SECONDS, Math.max(0, Math.floor(seconds) || 0));
  const nanos = Math.min(NANOS - 1, Math.max(0, Math.round((seconds % 1) * NANOS) || 0));
  writeVarint(target, at + 1, whole, TIME_WIDTH);
  writeVarint(target, at + 2 + TIME_WIDTH, nanos, TIME_WIDTH);
}

function addHistogram(message: MessageBuilder, lines: readonly Line[], countWidth: number, isNative: boolean): void {
  // without bounds the one bucket adds nothing to the count
  const isNativeOnly = isNative && lines.filter(({ label }) => label !== undefined).length === 1;
  lines.forEach(({ name, label }, line) => {
    if (label !== undefined && isNativeOnly) message.unshown();
    else if (label !== undefined) {
      const bucket = new MessageBuilder();
      bucket.count(BUCKET.count, countWidth);
      bucket.append(fixed64Field(BUCKET.bound, boundOf(label.value)));
      bucket.hole(line, BUCKET.exemplar);
      message.message(HISTOGRAM.bucket, bucket, EXEMPLAR_LENGTH_WIDTH);
    } else if (name.endsWith('_sum')) message.double(HISTOGRAM.sum);
    else message.count(HISTOGRAM.count, countWidth);
  });
}

function addSummary(message: MessageBuilder, lines: readonly Line[], countWidth: number): void {
  for (const { name, label } of lines) {
    if (label !== undefined) {
      const quantile = new MessageBuilder();
      quantile.append(fixed64Field(QUANTILE.share, boundOf(label.value)));
      quantile.double(QUANTILE.value);
      message.message(SUMMARY.quantile, quantile);
    } else if (name.endsWith('_sum')) message.double(SUMMARY.sum);
    else message.count(SUMMARY.count, countWidth);
  }
}

/** The bytes of a message, with the places of its values and its holes. */
class MessageBuilder implements Template {
  bytes: Uint8Array = new Uint8Array(0);
  readonly places: number[] = [];
  readonly encodings: Encoding[] = [];
  readonly holes = new Map<number, Hole>();

  append(field: Uint8Array): void {
    this.bytes = Buffer.concat([this.bytes, field]);
  }

  double(field: number): void {
    this.append(fixed64Field(field, 0));
    this.#place(Float64Array.BYTES_PER_ELEMENT, Encoding.Double);
  }

  count(field: number, width: number): void {
    this.append(varintField(field, 0, width));
    this.#place(width, Encoding.Count);
  }

  time(field: number): void {
    this.append(timestampField(field, 0));
    this.#place(2 * (1 + TIME_WIDTH), Encoding.Time);
  }

  /** A value that the message has no field for. */
  unshown(): void {
    this.#place(0, Encoding.None);
  }

  hole(line: number, field: number): void {
    this.holes.set(line, { at: this.bytes.length, field, lengths: [] });
  }

  message(field: number, { bytes, places, encodings, holes }: Template, lengthWidth = 0): void {
    const width = holes.size > 0 && lengthWidth === 0 ? WIDE_LENGTH_WIDTH : lengthWidth;
    const head = lengthField(field, bytes.length, width);
    const start = this.bytes.length + head.length;
    const length = { at: start - width, width };
    for (const at of places) this.places.push(start + at);
    this.encodings.push(...encodings);
    for (const [line, hole] of holes) {
      const inner = hole.lengths.map((each) => ({ at: start + each.at, width: each.width }));
      this.holes.set(line, { ...hole, at: start + hole.at, lengths: [length, ...inner] });
    }
    this.append(Buffer.concat([head, bytes]));
  }

  #place(width: number, encoding: Encoding): void {
    this.places.push(this.bytes.length - width);
    this.encodings.push(encoding);
  }
}

function typeNumber({ type, textType = type }: MetricKind): number {
  return TYPE_NUMBERS[textType] ?? TYPE_NUMBERS.untyped;
}

function timestampField(field: number, seconds: number): Uint8Array {
  const bytes = messageField(field, varintField(1, 0, TIME_WIDTH), varintField(2, 0, TIME_WIDTH));
  writeTime(bytes, bytes.length - 2 * (1 + TIME_WIDTH), seconds);
  return bytes;
}

function boundOf(text: string): number {
  return text === '+Inf' ? Infinity : Number(text);
}
