/**
 * Every series of this process: which slots it has, and what the file's log says of it. The instruments write through
 * the series' own `view` and `index`; the store is asked only when a series comes, goes or moves.
 *
 * Where the slots are is the backing's business: plain memory (one process without a directory), a mapped file, or a file
 * written on a timer. A series that finds no room in the file is counted in memory meanwhile, and moved in later; a whole
 * store moves when a directory appears or its file was deleted. Children are bound anew then: nobody else holds slots.
 */
import { encodeDefaultLabels, encodeFamily, encodeRemoval } from '../mapped-file/record.js';
import type { SlotShape } from '../mapped-file/slot-shape.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import { type Backing, MemoryBacking, type StoreStatus } from './backing.js';
import { attachmentRecord, attachmentShape, isInFile, seriesRecord } from './log-records.js';
import { Attachment, type AttachmentRole, type Cells, DETACHED, DETACHED_VIEW, Series } from './series.js';
import { StoredFamily } from './stored-family.js';
import { memoryBlock, SlotAllocator } from './value-blocks.js';

export interface SeriesStoreOptions {
  /** Most series of one metric. Default 100,000. */
  readonly maxSeriesPerMetric?: number;
  /** Most series of the process. Default 500,000. */
  readonly maxSeries?: number;
  /** Hears of each metric, once, that it has reached its limit. */
  readonly onFull?: (family: StoredFamily, limit: number) => void;
}

/** A log of this many dead records for each living one is started anew. */
const DEAD_PER_LIVE = 4;
const RESTART_AT_LEAST = 2048;
/**
 * A new log takes the place of the last but one, and a reader that is still in that one has to begin again: not more often
 * than a pass of a reader takes, unless records come in at such a rate that the log would take many MiB meanwhile.
 */
const RESTART_AT_MOST_EVERY_MS = 1000;
const RESTART_AT_ONCE = 65_536;

/** Part of what a process counts, so that it survives the process as the rest does. */
const DROPPED_SAMPLES: FamilyDeclaration = {
  name: 'prom_multiproc_dropped_samples_total',
  help: 'Samples of new series that were dropped because maxSeries was reached, by metric.',
  type: 'counter',
  labelNames: ['metric'],
};

export class SeriesStore {
  readonly families = new Set<StoredFamily>();
  readonly #options: SeriesStoreOptions;
  #backing: Backing;
  #inFile: SlotAllocator;
  #inMemory = new SlotAllocator(memoryBlock);
  readonly #defaultLabels = new Map<string, Readonly<Record<string, string>>>();
  #defaultLabelsSaid = true;
  #nextFamilyId = 1;
  #liveSeries = 0;
  #slotsInMemory = 0;
  #droppedSamples = 0;
  #drops: StoredFamily | undefined;
  /** Something is not in the file or not in its log. */
  #incomplete = false;
  /** Removed, but the log had no room to say so: their slots wait. */
  #unsaidRemovals: { cells: Cells; shape: SlotShape }[] = [];
  #records = 0;
  #liveRecords = 0;
  #restartedAt = -Infinity;

  constructor(backing: Backing = new MemoryBacking(), options: SeriesStoreOptions = {}) {
    this.#options = options;
    this.#backing = backing;
    this.#inFile = allocatorOf(backing);
  }

  get backing(): Backing {
    return this.#backing;
  }

  get status(): StoreStatus {
    return {
      liveSeries: this.#liveSeries,
      bytesInMemory: this.#slotsInMemory * Float64Array.BYTES_PER_ELEMENT,
      droppedSamples: this.#droppedSamples,
    };
  }

  /**
   * Makes a family known. Its series come one by one through `attach`.
   *
   * @param maxSeries most series that it may have; by default `maxSeriesPerMetric`
   */
  declare(declaration: FamilyDeclaration, registries: readonly string[], maxSeries?: number): StoredFamily {
    const limit = maxSeries ?? this.#options.maxSeriesPerMetric ?? 100_000;
    const family = new StoredFamily(this.#nextFamilyId++, declaration, registries, Date.now() / 1000, limit);
    this.families.add(family);
    this.#publishFamily(family);
    return family;
  }

  /** Shows a family in other registries than before; in none, it is still counted. */
  setRegistries(family: StoredFamily, registries: readonly string[]): void {
    family.registries = registries;
    this.#publishFamily(family);
    this.#restartLogIfDue();
  }

  /** Forgets a family and gives its slots back. */
  forget(family: StoredFamily): void {
    for (const series of family.series) this.detach(series);
    if (family.registries.length > 0) this.setRegistries(family, []);
    this.families.delete(family);
    this.#restartLogIfDue();
  }

  setDefaultLabels(registry: string, labels: Readonly<Record<string, string>>): void {
    this.#defaultLabels.set(registry, labels);
    this.#publishDefaultLabels();
    this.#restartLogIfDue();
  }

  /**
   * Gives a series its slots, all zero, and adds it to its family; false where `maxSeries` forbids (the sample is dropped
   * and counted). Where the file has no room the slots are in memory.
   */
  attach(series: Series): boolean {
    const { family } = series;
    const perProcess = this.#options.maxSeries ?? 500_000;
    if (family.series.size >= family.maxSeries || this.#liveSeries >= perProcess) {
      this.#drop(family, Math.min(family.maxSeries, perProcess));
      return false;
    }
    this.#admit(series);
    return true;
  }

  #admit(series: Series): void {
    if (series.createdAt === 0) series.createdAt = Date.now() / 1000;
    this.#bind(series.family, series);
    series.family.series.add(series);
    this.#liveSeries++;
    this.#publishSeries(series);
  }

  /** Counts a sample that has no series to go to. */
  #drop(family: StoredFamily, limit: number): void {
    const { name } = family.declaration;
    this.#droppedSamples++;
    if (!family.saidFull) {
      family.saidFull = true;
      this.#options.onFull?.(family, limit);
    }
    this.#drops ??= this.declare(DROPPED_SAMPLES, family.registries);
    let series = this.#drops.series.findValues([name]);
    if (series === undefined) {
      series = new Series(this.#drops, [name]);
      this.#admit(series);
    }
    series.view[series.index]++;
  }

  /** Takes a series out: its slots are zeroed and rest, and what holds the series writes to a new one next time. */
  detach(series: Series): void {
    if (series.index === DETACHED) return;
    series.family.series.delete(series);
    this.#liveSeries--;
    if (series.attachments !== undefined) {
      for (const attachment of series.attachments) this.#release(attachment, attachmentShape(attachment.role));
      series.attachments = undefined;
    }
    this.#release(series, series.family);
    series.createdAt = 0;
    this.#restartLogIfDue();
  }

  /** Further slots for a series, all zero. */
  attachTo(owner: Series, role: AttachmentRole): Attachment {
    const attachment = new Attachment(owner, role);
    this.#bind(attachmentShape(role), attachment);
    (owner.attachments ??= []).push(attachment);
    this.#publishAttachment(attachment);
    return attachment;
  }

  /** Takes one attachment back, such as a chunk of a sketch whose windows have all expired. */
  detachFrom(owner: Series, attachment: Attachment): void {
    owner.attachments = owner.attachments?.filter((other) => other !== attachment);
    this.#release(attachment, attachmentShape(attachment.role));
    this.#restartLogIfDue();
  }

  /** Moves everything to another backing, values and all. The old one is left as it is, for the caller to close. */
  moveTo(backing: Backing): void {
    this.#backing = backing;
    this.#inFile = allocatorOf(backing);
    this.#inMemory = new SlotAllocator(memoryBlock);
    this.#slotsInMemory = 0;
    this.#unsaidRemovals = [];
    this.#records = this.#liveRecords = 0;
    for (const series of this.#everySeries()) {
      this.#rebind(series, series.family);
      for (const attachment of series.attachments ?? []) this.#rebind(attachment, attachmentShape(attachment.role));
    }
    this.#markUnpublished();
    this.#incomplete = true;
    this.#publishMissing();
    this.report();
  }

  /** Tries again what found no room before, and tells the backing how it stands. Called every few seconds. */
  settle(): void {
    if (this.#incomplete) {
      if (this.#slotsInMemory > 0) this.#moveIn();
      this.#publishMissing();
    }
    this.report();
  }

  report(): void {
    this.#backing.report(this.status);
  }

  *#everySeries(): IterableIterator<Series> {
    for (const family of this.families) yield* family.series;
  }

  #bind(shape: SlotShape, cells: Cells): void {
    if (this.#inFile.allocate(shape, cells)) return;
    this.#inMemory.allocate(shape, cells);
    this.#slotsInMemory += shape.slots;
    this.#incomplete = true;
  }

  #rebind(cells: Cells, shape: SlotShape): void {
    const { view, index } = cells;
    this.#bind(shape, cells);
    cells.view.set(view.subarray(index, index + shape.slots), cells.index);
  }

  /** Moves slots from memory to the file as far as there is room. */
  #moveIn(): void {
    const move = (cells: Cells, shape: SlotShape): boolean => {
      if (cells.block === undefined || cells.block.number >= 0) return true;
      const { view, index } = cells;
      if (!this.#inFile.allocate(shape, cells)) return false;
      cells.view.set(view.subarray(index, index + shape.slots), cells.index);
      this.#slotsInMemory -= shape.slots;
      return true;
    };
    for (const series of this.#everySeries()) {
      if (!move(series, series.family)) return;
      for (const attachment of series.attachments ?? []) {
        if (!move(attachment, attachmentShape(attachment.role))) return;
      }
    }
    this.#inMemory = new SlotAllocator(memoryBlock);
  }

  #release(cells: Cells & { published: boolean }, shape: SlotShape): void {
    const { block, index } = cells;
    const slots = { view: cells.view, index, block };
    const published = cells.published;
    cells.view = DETACHED_VIEW;
    cells.index = DETACHED;
    cells.block = undefined;
    cells.published = false;
    if (block === undefined) return;
    if (block.number < 0 && this.#backing.kind !== 'memory') {
      this.#slotsInMemory -= shape.slots;
      this.#inMemory.release(shape, slots);
      return;
    }
    if (published) {
      this.#liveRecords--;
      // the log says that the series is gone before its slots turn zero, or a reader would show a zero once
      if (!this.#append(encodeRemoval(block.number, index))) {
        this.#unsaidRemovals.push({ cells: slots, shape });
        this.#incomplete = true;
        return;
      }
    }
    this.#inFile.release(shape, slots);
  }

  #publishFamily(family: StoredFamily): void {
    family.published = !this.#hasLog || this.#append(encodeFamily(family));
  }

  #publishSeries(series: Series): void {
    if (!this.#hasLog) return;
    series.published = isInFile(series) && series.family.published && this.#append(seriesRecord(series));
    if (series.published) this.#liveRecords++;
    else this.#incomplete = true;
  }

  #publishAttachment(attachment: Attachment): void {
    if (!this.#hasLog) return;
    attachment.published =
      isInFile(attachment) && attachment.owner.published && this.#append(attachmentRecord(attachment));
    if (attachment.published) this.#liveRecords++;
    else this.#incomplete = true;
  }

  get #hasLog(): boolean {
    return this.#backing.kind !== 'memory';
  }

  #append(record: Uint8Array): boolean {
    const appended = this.#backing.append(record);
    if (appended) this.#records++;
    else this.#incomplete = true;
    return appended;
  }

  #markUnpublished(): void {
    this.#defaultLabelsSaid = false;
    for (const family of this.families) family.published = false;
    for (const series of this.#everySeries()) {
      series.published = false;
      for (const attachment of series.attachments ?? []) attachment.published = false;
    }
  }

  /** Says what the log could not take before, in an order that a reader can follow. */
  #publishMissing(): void {
    this.#incomplete = this.#slotsInMemory > 0;
    while (this.#unsaidRemovals.length > 0) {
      const { cells, shape } = this.#unsaidRemovals[0];
      if (!this.#append(encodeRemoval(cells.block!.number, cells.index))) return;
      this.#inFile.release(shape, cells);
      this.#unsaidRemovals.shift();
    }
    if (!this.#defaultLabelsSaid) this.#publishDefaultLabels();
    for (const family of this.families) if (!family.published) this.#publishFamily(family);
    for (const series of this.#everySeries()) {
      if (!series.published) this.#publishSeries(series);
      for (const attachment of series.attachments ?? []) if (!attachment.published) this.#publishAttachment(attachment);
    }
  }

  #publishDefaultLabels(): void {
    this.#defaultLabelsSaid = true;
    if (!this.#hasLog) return;
    for (const [registry, labels] of this.#defaultLabels) {
      if (!this.#append(encodeDefaultLabels(registry, labels))) this.#defaultLabelsSaid = false;
    }
  }

  /** Keeps a log bounded in which series come and go. */
  #restartLogIfDue(): void {
    if (this.#records < RESTART_AT_LEAST || this.#records < this.#liveRecords * DEAD_PER_LIVE) return;
    const now = performance.now();
    if (this.#records < RESTART_AT_ONCE && now - this.#restartedAt < RESTART_AT_MOST_EVERY_MS) return;
    this.#restartedAt = now;
    let records = 0;
    const restarted = this.#backing.restartLog((append) => {
      const write = (record: Uint8Array): boolean => {
        records++;
        return append(record);
      };
      for (const [registry, labels] of this.#defaultLabels) {
        if (!write(encodeDefaultLabels(registry, labels))) return false;
      }
      for (const family of this.families) if (!write(encodeFamily(family))) return false;
      for (const series of this.#everySeries()) {
        if (isInFile(series) && !write(seriesRecord(series))) return false;
        for (const attachment of series.attachments ?? []) {
          if (isInFile(series) && isInFile(attachment) && !write(attachmentRecord(attachment))) return false;
        }
      }
      return true;
    });
    // where it could not, the next try waits until the log has doubled
    this.#records = restarted ? records : Math.floor(this.#records / 2);
    if (!restarted) return;
    this.#liveRecords = 0;
    this.#defaultLabelsSaid = true;
    for (const family of this.families) family.published = true;
    for (const series of this.#everySeries()) {
      series.published = isInFile(series);
      if (series.published) this.#liveRecords++;
      for (const attachment of series.attachments ?? []) {
        attachment.published = series.published && isInFile(attachment);
        if (attachment.published) this.#liveRecords++;
      }
    }
    // the new log has nothing of what was removed
    for (const { cells, shape } of this.#unsaidRemovals) this.#inFile.release(shape, cells);
    this.#unsaidRemovals = [];
  }
}

function allocatorOf(backing: Backing): SlotAllocator {
  return new SlotAllocator(
    (kind, slots) => backing.addValueBlock(kind, slots),
    () => backing.publishedAt ?? Infinity,
  );
}
