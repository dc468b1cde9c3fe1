/**
 * The contents of one file, the file of a dead process or an archive, read as a whole. Nothing is folded before the whole
 * file was found valid, because a half-read file in an archive could never be corrected.
 */
import { type AttachmentBody, type AttachmentRole, attachmentShape } from '../metrics-file/attachment.js';
import { addedDefaultLabels } from '../metrics-file/default-labels.js';
import { BlockKind } from '../metrics-file/layout.js';
import type { FileReader, LogVisitor } from '../metrics-file/reader.js';
import { claimSlots, interpretRecordOf, type LogSink } from '../metrics-file/log-interpreter.js';
import { decodeKey, type FamilyRecord } from '../metrics-file/record.js';
import { type Address, isCount, type Moves, placeOf } from '../metrics-file/record-bodies.js';
import { GAUGE_SHAPE, seriesShape, type SlotShape } from '../metrics-file/slot-shape.js';
import { SlotClaims } from '../metrics-file/slot-claims.js';
import { archiveRecord, type ArchiveRecord } from './archive-record.js';

export interface SourceSeries {
  readonly family: number;
  readonly shape: SlotShape;
  readonly address: Address;
  readonly createdAt: number;
  /** In the file of a process: not 0 while the series is marked as idle. A later record of the series may change it. */
  endedAt: number;
  /** Key bytes, one per character. */
  readonly key: string;
}

export interface SourceAttachment {
  readonly owner: SourceSeries;
  readonly shape: SlotShape;
  readonly address: Address;
  readonly role: AttachmentRole;
}

export class FoldSource implements LogSink {
  readonly families = new Map<number, FamilyRecord>();
  /** By registry. */
  readonly #defaultLabels = new Map<string, Readonly<Record<string, string>>>();
  archive: ArchiveRecord | undefined;
  readonly #reader: FileReader;
  readonly #series = new Map<number, SourceSeries>();
  readonly #attachments = new Map<number, SourceAttachment>();
  readonly #claims = new SlotClaims();

  /**
   * @param reader of a file that is no longer written; the caller closes it
   * @throws {BadFileError} ERR_CORRUPT_FILE; the system's error where it cannot be read
   */
  constructor(reader: FileReader) {
    this.#reader = reader;
    for (const visitor = this.#visitor(); !reader.readLog(visitor););
    reader.readValues();
  }

  get header(): FileReader['header'] {
    return this.#reader.header;
  }

  /** @throws {BadFileError} where default labels would add too much text to the keys of its series */
  assertMayAdd(bytes: number): void {
    this.#reader.assertMayAdd(bytes);
  }

  /** The default labels that a family of this file has beside its own. */
  addedLabels(record: FamilyRecord): Map<string, string> {
    return addedDefaultLabels(record, (registry) => this.#defaultLabels.get(registry) ?? {});
  }

  get hasAttachments(): boolean {
    return this.#attachments.size > 0;
  }

  series(): Iterable<SourceSeries> {
    return this.#series.values();
  }

  /** Attachments whose series still exist. */
  attachments(): SourceAttachment[] {
    return [...this.#attachments.values()].filter(({ owner }) => this.#isThere(owner));
  }

  valuesOf({ shape, address }: SourceSeries | SourceAttachment): Float64Array {
    return this.#slots(address, shape.slots);
  }

  /** Series with a bin of a native histogram that is no count. */
  unsoundSeries(): Set<SourceSeries> {
    const isUnsound = (attachment: SourceAttachment): boolean =>
      attachment.role.kind === 'native' && !this.valuesOf(attachment).every(isCount);
    return new Set(
      this.attachments()
        .filter(isUnsound)
        .map(({ owner }) => owner),
    );
  }

  /** One value per label name. @throws {BadFileError} where the key of the series is invalid */
  labelValuesOf(series: SourceSeries): (string | undefined)[] {
    try {
      return decodeKey(Buffer.from(series.key, 'latin1'), this.families.get(series.family)!.labelNames.length);
    } catch (error) {
      throw this.#reader.corrupt(`the key of a series cannot be decoded: ${String(error)}`);
    }
  }

  #visitor(): LogVisitor {
    let bytes: Uint8Array | undefined;
    let buffer: Buffer = Buffer.alloc(0);
    return {
      restart: () => this.#restart(),
      other: (kind, body, offset) => interpretRecordOf(this.#reader.file, kind, body, offset, this),
      series: (family, block, slot, createdAt, endedAt, records, keyStart, keyEnd) => {
        if (records !== bytes) {
          bytes = records;
          buffer = Buffer.from(records.buffer, records.byteOffset, records.length);
        }
        const record = this.families.get(family);
        if (record === undefined) throw this.#reader.corrupt(`a series of family ${family}, which is not declared`);
        const shape = seriesShape(record);
        const key = buffer.toString('latin1', keyStart, keyEnd);
        const known = this.#series.get(placeOf({ block, slot }));
        if (known?.family === family && known.key === key) {
          known.endedAt = endedAt;
          return;
        }
        const address = this.#claim({ block, slot }, shape);
        this.#series.set(placeOf(address), { family, shape, address, createdAt, endedAt, key });
      },
    };
  }

  #restart(): void {
    this.families.clear();
    this.#defaultLabels.clear();
    this.#series.clear();
    this.#attachments.clear();
    this.#claims.clear();
  }

  /** Removes the series or attachment at an address, if there is one. */
  #free(at: Address): void {
    const place = placeOf(at);
    const shape = this.#series.get(place)?.shape ?? this.#attachments.get(place)?.shape;
    if (shape === undefined) return;
    this.#claims.give(at.block, at.slot, shape.slots);
    this.#series.delete(place);
    this.#attachments.delete(place);
  }

  family(record: FamilyRecord): void {
    const before = this.families.get(record.id);
    if (before !== undefined && seriesShape(before).slots !== seriesShape(record).slots) {
      throw this.#reader.corrupt(`family ${record.id} is declared as two different things`);
    }
    this.families.set(record.id, record);
  }

  removal(at: Address): void {
    this.#free(at);
  }

  replacement(moves: Moves): void {
    for (const [from, to] of moves) {
      const series = this.#series.get(placeOf(from));
      if (series?.shape.kind === BlockKind.Gauge) this.#free(from);
      const address = this.#claim(to, GAUGE_SHAPE);
      if (series?.shape.kind !== BlockKind.Gauge) continue;
      this.#series.set(placeOf(address), { ...series, address });
    }
  }

  setDefaultLabels(registry: string, labels: Readonly<Record<string, string>>): void {
    this.#defaultLabels.set(registry, labels);
  }

  attachment({ block, slot, role, owner: by }: AttachmentBody): void {
    const shape = attachmentShape(role);
    const address = this.#claim({ block, slot }, shape);
    const owner = this.#series.get(placeOf(by));
    if (owner === undefined || (role.kind === 'exemplar' && role.slotOffset >= owner.shape.slots)) {
      return this.#claims.give(block, slot, shape.slots);
    }
    this.#attachments.set(placeOf(address), { owner, shape, address, role });
  }

  archiveBody(body: unknown): void {
    this.archive = archiveRecord(body);
    if (this.archive === undefined) throw this.#reader.corrupt('an archive that names nothing');
  }

  #isThere(series: SourceSeries): boolean {
    return this.#series.get(placeOf(series.address)) === series;
  }

  /** Checks slots against their block, and makes the reader read them. */
  #claim(address: Address, shape: SlotShape): Address {
    const block = claimSlots(this.#reader, address, shape);
    this.#free(address);
    if (this.#claims.take(block, address.slot, shape.slots)) return address;
    throw this.#reader.corrupt(`slot ${address.slot} is that of two records`);
  }

  #slots({ block, slot }: Address, count: number): Float64Array {
    return this.#reader.block(block)!.values.subarray(slot, slot + count);
  }
}
