/**
 * The part of one file in the merge: the map from its slots to merged cells. It follows the file's log and keeps one map
 * per block, so that adding the values of the file is one flat loop per block.
 */
import { archiveRecord, type ArchiveRecord } from '../archive/archive-record.js';
import { clockShift, readClocks } from '../archive/clock-reading.js';
import type { BadFileError } from '../errors.js';
import { addedDefaultLabels } from '../metrics-file/default-labels.js';
import { BlockKind } from '../metrics-file/layout.js';
import type { FileReader, LogVisitor, ReaderBlock } from '../metrics-file/reader.js';
import { claimSlots, interpretRecordOf, type LogSink } from '../metrics-file/log-interpreter.js';
import type { FamilyRecord } from '../metrics-file/record.js';
import { GAUGE_SHAPE, seriesShape, type SlotShape } from '../metrics-file/slot-shape.js';
import { gaugeMode } from '../model/gauge-mode.js';
import { processKey } from '../metrics-file/process-key.js';
import { Attachments } from './attachments.js';
import { type DeclaredFamily, DeclaredFamilies } from './declared-families.js';
import { bucketCells, type MergedFamily } from './merged-family.js';
import type { MergeIndex } from './merge-index.js';
import { type AttachmentBody, attachmentShape } from '../metrics-file/attachment.js';
import { type Address, type Moves, placeOf } from '../metrics-file/record-bodies.js';
import type { Use } from './idle-references.js';
import type { MergedPart, ProcessState } from './merged-part.js';
import type { Schema } from './schema.js';
import { SlotMap } from './slot-map.js';

interface LocalFamily extends DeclaredFamily {
  readonly shape: SlotShape;
  readonly schema: Schema | undefined;
  /** Whether its values end with the process: by the file's declaration, or by the newest one. */
  readonly live: boolean;
  /** Histograms: the cell of each slot, from the series' first cell. */
  readonly buckets: Int32Array | undefined;
  /** Whether the log has had any series of this family. */
  hasSeries: boolean;
}

const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;
const NO_WORDS = new Int32Array(0);

export class FileView implements LogVisitor, LogSink, MergedPart {
  readonly reader: FileReader;
  order = -1;
  /**
   * Counts Replacement records since this view was made: values that were read before one are those of the former slots.
   */
  replacements = 0;
  /** Archives only. */
  archive: ArchiveRecord | undefined;
  isRewound = false;
  /** Whether a part of the log is unread. */
  #isReading = false;
  #hasRestarted = false;
  /** Whether a family with series now belongs to other registries, so that its series have to move with it. */
  #hasMoved = false;
  readonly #index: MergeIndex;
  readonly #pid: string;
  readonly #process: string;
  #state: ProcessState;
  readonly #expiredBefore: number;
  /** Archives only: how far the wall clock has jumped since the fold. */
  #clockShift = 0;
  /** Archives only: when the next series is past its time of expiry. */
  #nextPast = Infinity;
  readonly #families = new Map<number, LocalFamily>();
  readonly #declared: DeclaredFamilies;
  /** Epoch of the log that was last read from its beginning. */
  #keyEpoch = -1;
  /** By the numbers of the blocks. */
  readonly #maps: (SlotMap | undefined)[] = [];
  /** Series that the last `addValues` left out. */
  readonly #unusable = new Set<number>();
  readonly #attachments: Attachments;
  /** Places of native histograms whose slots have no classic buckets, where the merged family has some. */
  readonly #withoutBuckets = new Set<number>();
  /** The bytes of the records that are being read: records and their keys begin at whole words. */
  #words: Int32Array = NO_WORDS;
  /** Characters of labels that are added to the series here and are not in their keys. */
  #addedText = 0;
  /** The default labels that the series here were merged with. */
  #appliedDefaults = '[]';

  /**
   * @param pid the process label, in modes that show each process
   * @param expiredBefore archives only: gauge series whose process ended before this time (seconds since the epoch) are
   * left out
   */
  constructor(index: MergeIndex, reader: FileReader, state: ProcessState, pid: string, expiredBefore = 0) {
    this.#index = index;
    this.#declared = new DeclaredFamilies(index);
    this.reader = reader;
    this.#attachments = new Attachments(index, reader);
    this.#state = state;
    this.#pid = pid;
    this.#process = processKey(reader.header.identity);
    this.#expiredBefore = expiredBefore;
  }

  set state(state: ProcessState) {
    if (state === this.#state) return;
    this.#state = state;
    this.rewind();
  }

  get seriesCount(): number {
    let count = 0;
    for (const map of this.#maps) count += map?.size ?? 0;
    return count;
  }

  /**
   * Reads the new part of the log. Where the default labels have changed, or a family has other registries, reads the whole
   * log again. Call it until it returns true: it reads a part of a long log.
   *
   * @throws {BadFileError} where the file breaks the format
   */
  readLog(): boolean {
    if (!this.#isReading) this.#startReading();
    if (!this.reader.readLog(this)) return false;
    this.#isReading = false;
    this.#words = NO_WORDS;
    if (this.#hasRestarted) this.#declared.retractUnmet();
    const defaults = this.#declared.defaultsFingerprint();
    if (defaults === this.#appliedDefaults && !this.#hasMoved) return true;
    this.#appliedDefaults = defaults;
    this.rewind();
    return false;
  }

  #startReading(): void {
    if (this.#nextPast < Date.now() / 1000) this.rewind();
    this.#isReading = true;
    this.isRewound = false;
    this.#hasRestarted = false;
    this.#hasMoved = false;
  }

  rewind(): void {
    this.#isReading = false;
    this.isRewound = true;
    this.#forgetSeries();
    this.reader.rewind();
  }

  remove(): void {
    this.#forgetSeries();
    this.#declared.retractAll();
  }

  restart(): void {
    this.#forgetSeries();
    const { keyEpoch } = this.reader.words;
    this.#declared.restart(keyEpoch === this.#keyEpoch);
    this.#keyEpoch = keyEpoch;
    this.#hasRestarted = true;
  }

  series(
    familyId: number,
    blockNumber: number,
    slot: number,
    createdAt: number,
    endedAt: number,
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
  ): void {
    const family = this.#families.get(familyId);
    if (family === undefined) throw this.reader.corrupt(`a series of family ${familyId}, which is not declared`);
    const { shape, merged, schema, record } = family;
    family.hasSeries = true;
    const block = claimSlots(this.reader, { block: blockNumber, slot }, shape);
    if (merged === undefined || schema === undefined || !this.#counts(family, endedAt)) return;
    const map = this.#mapOf(block);
    const use = this.#useOf(family, endedAt);
    this.#release(map, slot);
    if (shape.kind !== BlockKind.Gauge && !map.isFree(slot, shape.slots)) throw this.#overlap(slot);
    this.#addedText += schema.addedLength;
    this.reader.assertMayAdd(this.#addedText);
    if (this.#words.buffer !== bytes.buffer) this.#words = new Int32Array(bytes.buffer);
    let series: number;
    try {
      const [from, to] = [keyStart / WORD_BYTES - 1, Math.ceil(keyEnd / WORD_BYTES)];
      series = this.#index.reference(schema, this.#words, from, to, createdAt, use);
    } catch (error) {
      throw this.reader.corrupt(`the key of a series cannot be decoded: ${String(error)}`);
    }
    if (record.processWide === true) map.placeProcessWide(slot, series, createdAt, record.ofProcess ?? this.#process);
    else if (shape.kind === BlockKind.Gauge) map.placeGauge(slot, series, createdAt);
    else map.placeSums(slot, shape.slots, series, createdAt, family.buckets);
    map.setUse(slot, use);
    const place = placeOf({ block: blockNumber, slot });
    if (hasOnlyBins(record) && merged.bounds.length > 0) {
      this.#withoutBuckets.add(place);
    } else if (this.#withoutBuckets.size > 0) this.#withoutBuckets.delete(place);
  }

  other(kind: number, body: () => unknown, offset: number): void {
    interpretRecordOf(this.reader.file, kind, body, offset, this);
  }

  addValues(nowSeconds: number): void {
    this.#unusable.clear();
    this.#attachments.findUnusable(this.#unusable);
    for (const map of this.#maps) map?.addTo(nowSeconds, this.#unusable);
    this.#attachments.addValues(this.#maps, nowSeconds, this.#unusable);
  }

  unusableFamilies(): string[] {
    return [...this.#unusable].map((series) => this.#index.familyOf(series).name);
  }

  declareCreated(): void {
    for (const map of this.#maps) {
      if (map === undefined) continue;
      for (const [series, , createdAt] of map.series()) this.#index.noteCreated(series, createdAt);
    }
  }

  *ownValues(family: MergedFamily): Generator<readonly [series: number, value: number]> {
    for (const [series, { kind, values }, slot] of this.#slotsOf(family)) {
      if (kind !== BlockKind.Gauge) yield [series, Number.isFinite(values[slot]) ? values[slot] : 0];
      else if ((values[slot + 1] ?? 0) !== 0) yield [series, values[slot]];
    }
  }

  *ownCounts(family: MergedFamily): Generator<readonly [series: number, count: number]> {
    const local = [...this.#families.values()].find(
      ({ merged, shape }) => merged === family && shape.kind !== BlockKind.Gauge,
    );
    if (local === undefined) return;
    if (hasOnlyBins(local.record)) {
      for (const counted of this.#attachments.nativeCounts()) {
        if (this.#index.familyOf(counted[0]) === family) yield counted;
      }
      return;
    }
    for (const [series, { kind, values }, slot] of this.#slotsOf(family)) {
      if (kind === local.shape.kind) yield [series, countIn(values, slot, local.shape)];
    }
  }

  *#slotsOf(family: MergedFamily): Generator<readonly [series: number, block: ReaderBlock, slot: number]> {
    for (const [number, map] of this.#maps.entries()) {
      const block = this.reader.block(number);
      if (map === undefined || block === undefined) continue;
      for (const [series, slot] of map.series()) {
        if (this.#index.familyOf(series) === family) yield [series, block, slot];
      }
    }
  }

  family(declaration: FamilyRecord): void {
    const { record, merged } = this.#declared.declare(declaration);
    let schema: Schema | undefined;
    let buckets: Int32Array | undefined;
    if (merged !== undefined) {
      if (this.order >= 0) this.#index.order(merged, this.order, record.id);
      if (merged.accepts(record)) {
        const dropped = record.pidLabelled === true && !merged.mode.perProcess ? 'pid' : undefined;
        if (merged.kind.hasBounds) buckets = bucketCells(record, merged);
        if (!merged.kind.hasBounds || buckets !== undefined) {
          schema = this.#index.schema(merged, record.labelNames, this.#addedLabels(record, merged), dropped);
        }
      }
    }
    const live = merged?.mode.live === true || gaugeMode(record.gaugeMode).live;
    const before = this.#families.get(record.id);
    const hasSeries = before?.hasSeries === true;
    if (hasSeries && before.merged !== merged) this.#hasMoved = true;
    this.#families.set(record.id, { record, shape: seriesShape(record), merged, schema, live, buckets, hasSeries });
  }

  declareOrder(): void {
    for (const { record, merged } of this.#families.values()) {
      if (merged !== undefined) this.#index.order(merged, this.order, record.id);
    }
  }

  #addedLabels(record: FamilyRecord, merged: MergedFamily): Map<string, string> {
    const added = addedDefaultLabels(record, (registry) => this.#declared.defaultLabels(registry));
    merged.noteDefaultLabels(added.keys());
    if (merged.mode.perProcess && !record.pidLabelled && seriesShape(record).kind === BlockKind.Gauge) {
      // a process-wide value belongs to no thread
      added.set('pid', record.processWide === true ? this.#pid.replace(/-.*/, '') : this.#pid);
    }
    return added;
  }

  /** An archive has the time when the last process of a series ended; a living process, when it marked the series. */
  #useOf({ shape, record }: LocalFamily, endedAt: number): Use {
    if (endedAt === 0 || shape.kind === BlockKind.Gauge) return 'active';
    if (this.archive === undefined) return 'marked';
    const { expireAfterSeconds = Infinity } = record;
    const pastAt = endedAt + this.#clockShift + expireAfterSeconds;
    if (pastAt < Date.now() / 1000) return 'past';
    this.#nextPast = Math.min(this.#nextPast, pastAt);
    return 'active';
  }

  #counts({ shape, live }: LocalFamily, endedAt: number): boolean {
    if (shape.kind !== BlockKind.Gauge || this.#state === 'live') return true;
    if (live || this.#state === 'expired') return false;
    return endedAt === 0 || endedAt + this.#clockShift >= this.#expiredBefore;
  }

  removal(at: Address): void {
    this.#release(this.#maps[at.block], at.slot);
    this.#attachments.remove(at);
  }

  replacement(moves: Moves): void {
    this.replacements++;
    for (const [from, to] of moves) {
      const source = this.#mapOf(claimSlots(this.reader, from, GAUGE_SHAPE));
      const map = this.#mapOf(claimSlots(this.reader, to, GAUGE_SHAPE));
      this.#release(map, to.slot);
      map.takeGauge(to.slot, source, from.slot);
    }
  }

  setDefaultLabels(registry: string, labels: Readonly<Record<string, string>>): void {
    this.#declared.setDefaultLabels(registry, labels);
  }

  attachment(attachment: AttachmentBody): void {
    const { owner, role, slot } = attachment;
    const block = claimSlots(this.reader, attachment, attachmentShape(role));
    const series = this.#maps[owner.block]?.seriesAt(owner.slot) ?? -1;
    if (series < 0) return;
    const isApart = this.#withoutBuckets.has(placeOf(owner));
    if (!this.#attachments.add(block, attachment, series, isApart)) throw this.#overlap(slot);
  }

  archiveBody(body: unknown): void {
    this.archive = archiveRecord(body);
    if (this.archive === undefined) throw this.reader.corrupt('an archive that names nothing');
    if (this.archive.foldedAt !== undefined) this.#clockShift = clockShift(this.archive.foldedAt, readClocks());
  }

  #mapOf(block: ReaderBlock): SlotMap {
    return (this.#maps[block.number] ??= new SlotMap(block, this.#index));
  }

  /** Removes the series at a slot, if there is one. */
  #release(map: SlotMap | undefined, slot: number): void {
    const released = map?.release(slot);
    if (released !== undefined) this.#index.dereference(...released);
  }

  #forgetSeries(): void {
    for (const map of this.#maps) {
      // a stale index will forget all series anyway
      if (map === undefined || this.#index.stale) continue;
      for (const [series, slot, createdAt] of map.series()) {
        this.#index.dereference(series, createdAt, map.useOf(slot));
      }
    }
    this.#maps.length = 0;
    this.#nextPast = Infinity;
    this.#families.clear();
    this.#attachments.clear();
    this.#withoutBuckets.clear();
    this.#addedText = 0;
  }

  #overlap(slot: number): BadFileError {
    return this.reader.corrupt(`slot ${slot} is that of two records`);
  }
}

/** Whether a histogram counts in bins alone: it has no classic buckets. */
function hasOnlyBins({ native, bounds }: FamilyRecord): boolean {
  return native !== undefined && bounds?.length === 0;
}

/** A histogram's slots end with the sum of its observations; a summary's are the sum and the count. */
function countIn(values: Float64Array, slot: number, { kind, slots }: SlotShape): number {
  let count = 0;
  if (kind === BlockKind.Histogram) for (let at = slot; at < slot + slots - 1; at++) count += values[at];
  else count = values[slot + slots - 1];
  return Number.isFinite(count) ? count : 0;
}
