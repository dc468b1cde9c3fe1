/** Ways of damaging a file: from one bit to a well-formed lie under a right checksum. */
import { crc32 } from '../../src/metrics-file/crc32.js';
import {
  BLOCK,
  BlockKind,
  HEADER,
  NATIVE_CHUNK,
  PAGE_BYTES,
  RECORD,
  RecordKind,
  SERIES,
} from '../../src/metrics-file/layout.js';
import { pack } from '../../src/metrics-file/pack.js';
import { unpack } from '../../src/metrics-file/unpack.js';
import { BYTE_MUTATIONS, changed, type DamagedFile, edgeOrAny, flipBit, many, ODDITIES } from './byte-mutation.js';
import type { Random } from './random.js';

/** A whole file, taken apart far enough to know what to damage. */
export interface WholeFile {
  readonly bytes: Buffer;
  /** Where the heads of the blocks are. */
  readonly blocks: readonly number[];
  /** The key block that has the whole log. */
  readonly log: number;
  readonly records: readonly Buffer[];
}

/** @throws {Error} where the log is in several blocks */
export function takeApart(bytes: Buffer): WholeFile {
  const blocks: number[] = [];
  const logs: number[] = [];
  for (let offset: number = HEADER.bytes; blocks.length < bytes.readUInt32LE(HEADER.blockCount);) {
    blocks.push(offset);
    if (bytes.readUInt32LE(offset + BLOCK.kind) === BlockKind.Key) logs.push(offset);
    offset += bytes.readUInt32LE(offset + BLOCK.pages) * PAGE_BYTES;
  }
  if (logs.length !== 1) throw new Error(`${logs.length} key blocks`);
  const [log] = logs;
  const records: Buffer[] = [];
  const end = log + BLOCK.data + bytes.readUInt32LE(log + BLOCK.used);
  for (let at = log + BLOCK.data; at < end;) {
    const length = bytes.readUInt32LE(at + RECORD.length);
    records.push(bytes.subarray(at, at + length));
    at += length;
  }
  return { bytes, blocks, log, records };
}

type Mutate = (file: WholeFile, random: Random) => Buffer;

export const MUTATIONS: Readonly<Record<string, Mutate>> = {
  ...Object.fromEntries(
    Object.entries(BYTE_MUTATIONS).map(([name, mutateBytes]): [string, Mutate] => [
      name,
      ({ bytes }, random) => mutateBytes(bytes, random),
    ]),
  ),
  'has bits of its header flipped': ({ bytes }, random) =>
    changed(bytes, (copy) =>
      flipBit(copy, random.below(HEADER.identity + copy.readUInt32LE(HEADER.identityLength)), random),
    ),
  'has another word in its header': ({ bytes }, random) =>
    changed(bytes, (copy) => copy.writeUInt32LE(edgeOrAny(random), 4 * random.below(HEADER.identity / 4))),
  'has another identity': ({ bytes }, random) =>
    changed(bytes, (copy) => {
      const length = copy.readUInt32LE(HEADER.identityLength);
      flipBit(copy, HEADER.identity + random.below(length), random);
      copy.writeUInt32LE(crc32(copy, HEADER.identity, HEADER.identity + length), HEADER.identityCrc);
    }),
  'has another word in the head of a block': ({ bytes, blocks }, random) =>
    changed(bytes, (copy) => copy.writeUInt32LE(edgeOrAny(random), random.of(blocks) + 4 * random.below(6))),
  'has other values': ({ bytes, blocks }, random) =>
    changed(bytes, (copy) => random.bytes(64).copy(copy, random.of(blocks) + BLOCK.data + 8 * random.below(64))),
  'has bits of a record flipped': (file, random) =>
    withRecords(file, (records) => flipBit(random.of(records), random.below(64), random)),
  'has bits of a record flipped under a right checksum': (file, random) =>
    withRecords(file, (records) => {
      const record = random.of(records);
      flipBit(record, RECORD.kind + random.below(record.length - RECORD.kind), random);
      seal(record);
    }),
  'has another length in a record': (file, random) =>
    withRecords(file, (records) => {
      const record = random.of(records);
      record.writeUInt32LE(edgeOrAny(random), random.of([RECORD.length, RECORD.bodyLength]));
      seal(record);
    }),
  'has another number in a series': (file, random) =>
    withRecords(file, (records) => {
      const series = random.of(records.filter((record) => kindOf(record) === RecordKind.Series));
      const field = random.of([SERIES.family, SERIES.block, SERIES.slot, SERIES.keyLength]);
      series.writeUInt32LE(random.next() < 0.5 ? random.below(20) : edgeOrAny(random), field);
      seal(series);
    }),
  'has another number in a native chunk': (file, random) =>
    withRecords(file, (records) => {
      const chunk = random.of(records.filter((record) => kindOf(record) === RecordKind.NativeChunk));
      changeNativeChunk(chunk, random);
      seal(chunk);
    }),
  'has other bytes in a key': (file, random) =>
    withRecords(file, (records) => {
      const series = random.of(records.filter((record) => kindOf(record) === RecordKind.Series));
      const at = SERIES.key + random.below(series.readUInt32LE(SERIES.keyLength));
      series[at] = random.of([
        0x90,
        0x91,
        0x92,
        0xc0,
        0xa0,
        0xa1,
        0xd9,
        0xdc,
        0xdd,
        0xdf,
        0xff,
        0x80,
        random.below(256),
      ]);
      seal(series);
    }),
  'has an odd field in a record': (file, random) =>
    withRecords(file, (records) => {
      const at = random.of(records.flatMap((record, number) => (hasFields(record) ? [number] : [])));
      records[at] = withOddField(records[at], random);
    }),
  'has records in another order': (file, random) => withRecords(file, (records) => random.swap(records)),
  'lacks a record': (file, random) => withRecords(file, (records) => records.splice(random.below(records.length), 1)),
  'has a record many times, in other slots': (file, random) =>
    withMoreRecords(file, random, file.records, (record, at) => {
      if (kindOf(record) === RecordKind.Series) {
        record.writeUInt32LE(random.next() < 0.8 ? at : random.below(64), SERIES.slot);
        seal(record);
        return record;
      }
      if (kindOf(record) === RecordKind.NativeChunk) {
        record.writeUInt32LE(random.next() < 0.8 ? at : random.below(64), RECORD.body + NATIVE_CHUNK.slot);
        if (random.next() < 0.8) record.writeInt16LE(at % 2 ** 15, RECORD.body + NATIVE_CHUNK.chunk);
        else changeNativeChunk(record, random);
        seal(record);
        return record;
      }
      return withFields(record, (fields) => {
        const change = random.of(Object.keys(fields));
        const slot = random.next() < 0.5 ? at : random.below(64);
        const moved = 'slot' in fields ? { ...fields, slot } : fields;
        return { ...moved, [change]: odd(random) };
      });
    }),
  'declares a metric many times, each time otherwise': (file, random) => {
    const families = file.records.filter((record) => kindOf(record) === RecordKind.Family);
    return withMoreRecords(file, random, families, (record, at) =>
      withFields(record, (fields) => {
        const from = random.below(1000);
        const bounds = Array.from({ length: random.below(200) }, (_, place) => from + place);
        const labelNames = Array.from({ length: random.below(200) }, (_, place) => `l${from + place}`);
        const changes = random.of([
          { bounds },
          { labelNames },
          { help: String(at) },
          { quantiles: bounds },
          { bounds, labelNames },
        ]);
        const declaredAt = random.next() < 0.3 ? 4_102_444_800 : Number(fields.declaredAt) + at;
        return { ...fields, ...changes, id: random.next() < 0.5 ? 100 + at : fields.id, declaredAt };
      }),
    );
  },
  'has a record twice': (file, random) =>
    withRecords(file, (records) => records.splice(random.below(records.length), 0, random.of(records))),
};

/** One of the damages. */
export function mutate(file: WholeFile, random: Random): DamagedFile {
  const name = random.of(Object.keys(MUTATIONS));
  const bytes = MUTATIONS[name](file, random);
  return { name, bytes };
}

/** The file with a log of other records, as many of them as fit. */
function withRecords({ bytes, log, records }: WholeFile, change: (records: Buffer[]) => unknown): Buffer {
  const copies = records.map((record) => Buffer.from(record));
  change(copies);
  return changed(bytes, (copy) => {
    const start = log + BLOCK.data;
    const end = log + copy.readUInt32LE(log + BLOCK.pages) * PAGE_BYTES;
    let at = start;
    for (const record of copies) {
      if (at + record.length > end) break;
      at += record.copy(copy, at);
    }
    copy.writeUInt32LE(at - start, log + BLOCK.used);
  });
}

/** The file with many records more, made out of one of these, in a key block of their own at its end. */
function withMoreRecords(
  { bytes, log }: WholeFile,
  random: Random,
  choices: readonly Buffer[],
  change: (copy: Buffer, at: number) => Buffer,
): Buffer {
  const record = random.of(choices);
  const records = Array.from({ length: many(random) }, (_, at) => change(Buffer.from(record), at));
  const data = Buffer.concat(records);
  const block = Buffer.alloc(Math.ceil((BLOCK.data + data.length) / PAGE_BYTES) * PAGE_BYTES);
  bytes.copy(block, 0, log, log + BLOCK.data);
  block.writeUInt32LE(block.length / PAGE_BYTES, BLOCK.pages);
  block.writeUInt32LE(data.length, BLOCK.used);
  block.writeUInt32LE(1, BLOCK.chain);
  data.copy(block, BLOCK.data);
  return changed(Buffer.concat([bytes, block]), (copy) =>
    copy.writeUInt32LE(copy.readUInt32LE(HEADER.blockCount) + 1, HEADER.blockCount),
  );
}

function odd(random: Random): unknown {
  return random.next() < 0.2 ? random.of(ODDITIES) : random.below(64);
}

function changeNativeChunk(record: Buffer, random: Random): void {
  const { block, ownerBlock, slot, ownerSlot, chunk, schema, sign } = NATIVE_CHUNK;
  const number = random.next() < 0.5 ? random.below(20) : edgeOrAny(random);
  const field = random.of([block, ownerBlock, slot, ownerSlot, chunk, schema, sign]);
  const at = RECORD.body + field;
  if (field === slot || field === ownerSlot) record.writeUInt32LE(number, at);
  else if (field === schema || field === sign) record.writeUInt8(number % 256, at);
  else record.writeUInt16LE(number % 2 ** 16, at);
}

/** Whether the body of a record is a map; those of the other kinds have fixed places. */
function hasFields(record: Buffer): boolean {
  const kind = kindOf(record);
  return kind !== RecordKind.Series && kind !== RecordKind.NativeChunk;
}

function withOddField(record: Buffer, random: Random): Buffer {
  const value = random.of(ODDITIES);
  return withFields(record, (fields) =>
    random.next() < 0.1 ? [value] : { ...fields, [random.of(Object.keys(fields))]: value },
  );
}

function withFields(record: Buffer, change: (fields: Readonly<Record<string, unknown>>) => unknown): Buffer {
  const body = unpack(record.subarray(RECORD.body, RECORD.body + record.readUInt32LE(RECORD.bodyLength)));
  const packed = pack(change(body as Record<string, unknown>) as object);
  const changedRecord = Buffer.alloc(Math.ceil((RECORD.body + packed.length) / RECORD.alignment) * RECORD.alignment);
  changedRecord.writeUInt32LE(changedRecord.length, RECORD.length);
  changedRecord.writeUInt32LE(kindOf(record), RECORD.kind);
  changedRecord.writeUInt32LE(packed.length, RECORD.bodyLength);
  changedRecord.set(packed, RECORD.body);
  seal(changedRecord);
  return changedRecord;
}

function kindOf(record: Buffer): RecordKind {
  return record.readUInt32LE(RECORD.kind) as RecordKind;
}

function seal(record: Buffer): void {
  record.writeUInt32LE(crc32(record, RECORD.kind, record.length), RECORD.crc);
}
