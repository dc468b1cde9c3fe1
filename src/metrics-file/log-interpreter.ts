/**
 * The meaning of the records of a log, except series: one table for merging, folding and checking. Every body is validated
 * here, since anybody may have written it.
 * A new kind of record needs one row here, and one method in each sink that keeps something of it.
 */
import { BadFileError } from '../errors.js';
import { type AttachmentBody, attachmentDecoders } from './attachment.js';
import { RecordKind } from './layout.js';
import type { FileReader, ReaderBlock } from './reader.js';
import { checkFamilyRecord, type FamilyRecord } from './record.js';
import { type Address, addressOf, defaultLabelsOf, type Moves, movesOf } from './record-bodies.js';
import type { SlotShape } from './slot-shape.js';

/** Receives the meaning of each record. `offset` is the offset of the record in the file. */
export interface LogSink {
  family(record: FamilyRecord, offset: number): void;
  /** The series or attachment at an address is removed. */
  removal(at: Address, offset: number): void;
  /** Gauges have moved, all at once. */
  replacement(moves: Moves, offset: number): void;
  setDefaultLabels(registry: string, labels: Readonly<Record<string, string>>, offset: number): void;
  attachment(attachment: AttachmentBody, offset: number): void;
  /** The archive's own record, which `archive/archive-record.ts` reads. */
  archiveBody(body: unknown, offset: number): void;
}

type Row = (body: unknown, sink: LogSink, offset: number) => void;

/** Passes a valid body on. @throws {TypeError} where the body is invalid */
function row<T>(
  decode: (body: unknown) => T | undefined,
  wrong: string,
  hand: (value: T, sink: LogSink, offset: number) => void,
): Row {
  return (body, sink, offset) => {
    const value = decode(body);
    if (value === undefined) throw new TypeError(wrong);
    hand(value, sink, offset);
  };
}

const ROWS: ReadonlyMap<number, Row> = new Map<number, Row>([
  [RecordKind.Family, row(checkFamilyRecord, 'a family that is none', (record, sink, at) => sink.family(record, at))],
  [RecordKind.Removal, row(addressOf, 'a removal of nothing', (address, sink, at) => sink.removal(address, at))],
  [RecordKind.Replacement, row(movesOf, 'a replacement of nothing', (moves, sink, at) => sink.replacement(moves, at))],
  [
    RecordKind.DefaultLabels,
    row(defaultLabelsOf, 'default labels that are none', ({ registry, labels }, sink, at) =>
      sink.setDefaultLabels(registry, labels, at),
    ),
  ],
  ...attachmentDecoders().map(([kind, decode]): [RecordKind, Row] => [
    kind,
    row(decode, 'an attachment that is none', (attachment, sink, at) => sink.attachment(attachment, at)),
  ]),
  [RecordKind.Archive, (body, sink, at) => sink.archiveBody(body, at)],
]);

/**
 * Tells a sink the meaning of a record that is not a series. Kinds of a later minor version are ignored.
 *
 * @throws {TypeError} where the body is invalid, and any error of the sink
 */
export function interpretRecord(kind: number, body: () => unknown, offset: number, sink: LogSink): void {
  ROWS.get(kind)?.(body(), sink, offset);
}

/** The same, with the file in the error. @throws {BadFileError} ERR_CORRUPT_FILE */
export function interpretRecordOf(
  file: string,
  kind: number,
  body: () => unknown,
  offset: number,
  sink: LogSink,
): void {
  try {
    interpretRecord(kind, body, offset, sink);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new BadFileError('ERR_CORRUPT_FILE', error.message, { file, offset }, { cause: error });
  }
}

/**
 * The block of these slots. Checks that the block has them, and extends the range of slots to read over them.
 *
 * @throws {BadFileError} ERR_CORRUPT_FILE
 */
export function claimSlots(reader: FileReader, { block: number, slot }: Address, shape: SlotShape): ReaderBlock {
  const block = reader.block(number);
  if (block === undefined) throw reader.corrupt(`slots in block ${number}, which is no value block`);
  if (block.kind !== shape.kind) throw reader.corrupt(`slots of kind ${shape.kind} in a block of kind ${block.kind}`);
  const end = slot + shape.slots;
  if (!Number.isInteger(slot) || slot < 0 || end > block.capacity) {
    throw reader.corrupt(`slot ${slot} is beyond block ${number}`);
  }
  block.extent = Math.max(block.extent, end);
  return block;
}
