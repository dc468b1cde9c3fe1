/** Archives as files: opens them, reads all of one or nothing, and encodes them. */
import { join } from 'node:path';
import { BadFileError } from '../errors.js';
import { attachmentShape, encodeAttachment } from '../metrics-file/attachment.js';
import { crc32 } from '../metrics-file/crc32.js';
import type { FileBytes } from '../metrics-file/file-bytes.js';
import { RecordKind, type ValueBlockKind } from '../metrics-file/layout.js';
import { FileReader } from '../metrics-file/reader.js';
import { encodeKeyedSeries, encodeRecord } from '../metrics-file/record.js';
import type { SlotShape } from '../metrics-file/slot-shape.js';
import { encodeSeal, verifySeal } from '../metrics-file/seal.js';
import { completed } from '../time-slices.js';
import type { ValueBlock } from '../metrics-file/backing.js';
import { writeAll } from '../metrics-file/write-all.js';
import { FileWriter } from '../metrics-file/writer.js';
import type { ArchiveContents } from './archive-contents.js';
import type { ArchiveFamily } from './archive-family.js';
import type { ArchiveName, DataFileName } from '../directory/file-name.js';
import { assertTrusted, trustIn } from '../directory/trust.js';
import { assertTrueClaims } from './archive-claims.js';
import { type ArchiveRecord, packableArchiveRecord } from './archive-record.js';
import { FoldSource } from './fold-source.js';
import { currentIdentity } from '../directory/identity.js';

/** An archive that was found undamaged. Close the reader after use. */
export interface OpenedArchive {
  readonly name: ArchiveName;
  readonly reader: FileReader;
  readonly source: FoldSource;
  readonly record: ArchiveRecord;
}

/**
 * @param dataFiles all data files of the directory
 * @throws {BadFileError} where the archive is damaged, differs from its name, or names the file of a living process
 * @throws {PromMultiprocError} ERR_UNTRUSTED_OWNER; the system's error where it cannot be read
 */
export function openArchive(dir: string, name: ArchiveName, dataFiles: readonly DataFileName[]): OpenedArchive {
  const opened = openArchiveFile(join(dir, name.name), name, (reader) => assertTrusted(trustIn(dir), reader));
  try {
    completed(assertTrueClaims(dir, { file: opened.reader.file, record: opened.record }, dataFiles));
    return opened;
  } catch (error) {
    opened.reader.close();
    throw error;
  }
}

/** Reads a new archive as readers do, before its sources are removed. @throws {BadFileError} where they would refuse it */
export function proveArchive(file: string, name: ArchiveName): void {
  const { reader, source } = openArchiveFile(file, name);
  try {
    for (const series of source.series()) source.labelValuesOf(series);
  } finally {
    reader.close();
  }
}

function openArchiveFile(
  file: string,
  name: ArchiveName,
  admit: (reader: FileReader) => void = () => {},
): OpenedArchive {
  const reader = new FileReader(file);
  try {
    admit(reader);
    completed(verifySeal(reader));
    const source = new FoldSource(reader);
    const record = source.archive;
    if (record?.generation !== name.generation) {
      const reason = `an archive of generation ${record?.generation ?? 'none'} under the name of another`;
      throw new BadFileError('ERR_CORRUPT_FILE', reason, { file, offset: 0 });
    }
    return { name, reader, source, record };
  } catch (error) {
    reader.close();
    throw error;
  }
}

/** Each block is read by one call, for which Linux and Node allow at most 2 GiB. */
const MAX_BLOCK_BYTES = 64 * 1024 * 1024;

/** Encodes an archive. @throws {RangeError} where there is too little memory */
export function encodeArchive(contents: ArchiveContents, record: ArchiveRecord): ArchiveBytes {
  const bytes = new ArchiveBytes();
  const writer = new FileWriter(bytes, currentIdentity('heartbeat'));
  const families = contents.families();
  const slots = new SlotSpace(writer, families);
  writer.append(encodeRecord(RecordKind.Archive, packableArchiveRecord(record)));
  families.forEach((family, at) => {
    const id = at + 1;
    writer.append(encodeRecord(RecordKind.Family, { ...family.declaration, id }));
    for (const row of family.order()) appendSeries(family, row, id, slots, writer);
  });
  writer.report({ liveSeries: contents.seriesCount, bytesInMemory: 0, droppedSamples: 0 });
  writer.close();
  return bytes;
}

function appendSeries(family: ArchiveFamily, row: number, id: number, slots: SlotSpace, writer: FileWriter): void {
  const own = slots.take(family.shape);
  family.copyRow(row, own.view, own.slot);
  const { block, slot } = own;
  const [createdAt, endedAt] = [family.createdAt[row], family.endedAt[row]];
  const series = { family: id, block, slot, createdAt, endedAt };
  writer.append(encodeKeyedSeries(series, Buffer.from(family.keys[row], 'latin1')));
  for (const { role, values } of family.attachments.of(row)) {
    const at = slots.take(attachmentShape(role));
    at.view.set(values, at.slot);
    writer.append(encodeAttachment({ block: at.block, slot: at.slot, owner: { block, slot }, role }));
  }
}

/** Allocates slots of an archive. The sizes are known before, so that blocks are as large as their contents. */
class SlotSpace {
  readonly #writer: FileWriter;
  /** Slots that are still to be allocated, per kind. */
  readonly #wanted = new Map<ValueBlockKind, number>();
  readonly #filling = new Map<ValueBlockKind, { block: ValueBlock; next: number }>();

  constructor(writer: FileWriter, families: readonly ArchiveFamily[]) {
    this.#writer = writer;
    const want = ({ kind, slots }: SlotShape, times = 1): void => {
      this.#wanted.set(kind, (this.#wanted.get(kind) ?? 0) + times * slots);
    };
    for (const family of families) {
      want(family.shape, family.size);
      for (const shape of family.attachments.shapes()) want(shape);
    }
  }

  take(shape: SlotShape): { view: Float64Array; block: number; slot: number } {
    const { kind, slots } = shape;
    let filling = this.#filling.get(kind);
    if (filling === undefined || filling.next + slots > filling.block.view.length) {
      const most = MAX_BLOCK_BYTES / Float64Array.BYTES_PER_ELEMENT;
      const block = this.#writer.addValueBlock(kind, Math.max(slots, Math.min(this.#wanted.get(kind) ?? 0, most)))!;
      filling = { block, next: 0 };
      this.#filling.set(kind, filling);
    }
    const { block, next } = filling;
    filling.next += slots;
    this.#wanted.set(kind, (this.#wanted.get(kind) ?? 0) - slots);
    block.publishUsed(filling.next);
    return { view: block.view, block: block.number, slot: next };
  }
}

/** The bytes of an archive, in memory until they are complete: no reader sees an archive while it is made. */
export class ArchiveBytes implements FileBytes {
  readonly kind = 'written';
  readonly immediate = true;
  readonly path = '';
  readonly lastError = undefined;
  readonly #regions: Uint8Array[] = [];

  get length(): number {
    return this.#regions.reduce((sum, { length }) => sum + length, 0);
  }

  /** @throws {RangeError} where there is too little memory, unlike that of a file that grows */
  extend(length: number): Uint8Array {
    const region = new Uint8Array(length);
    this.#regions.push(region);
    return region;
  }

  /** Writes everything and the seal behind it. @throws the system's error */
  writeTo(fd: number): void {
    let crc = 0;
    for (const bytes of this.#regions) {
      writeAll(fd, bytes);
      crc = crc32(bytes, 0, bytes.length, crc);
    }
    writeAll(fd, encodeSeal(crc));
  }

  isLinked(): boolean {
    return true;
  }

  isIntact(): boolean {
    return true;
  }

  flush(): boolean {
    return true;
  }

  // readers never see a growing archive, so there is nothing to do
  publish(): void {}
  fileSlots(): undefined {}
  touch(): void {}
  close(): void {}
}
