/**
 * Every series of this process, and its slots. The instruments write through the series' own `view` and `index`; the store
 * is called only when a series is added, removed or moved. series-log.ts publishes that to readers.
 * The backing decides where the slots are: in plain memory (one process without a directory), in a mapped file, or in a
 * file that a timer writes. A series without room in the file is counted in memory, and moved into the file later. A whole
 * store moves when a directory appears or its file was deleted. Then the children are bound again.
 */
import { type AttachmentRole, attachmentShape } from '../metrics-file/attachment.js';
import type { Backing, StoreStatus } from '../metrics-file/backing.js';
import type { SlotShape } from '../metrics-file/slot-shape.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import { CopiedFamilies } from './copied-families.js';
import { DROPPED_SAMPLES, type DropReason } from './dropped-samples.js';
import { IdleMarks } from './idle-marks.js';
import { AmbiguousNames } from './ambiguous-names.js';
import { MemoryBacking } from './memory-backing.js';
import { type CollectRun, CollectUpdates, type StoreSlots } from './collect-updates.js';
import { Attachment, Series, type SeriesFamily } from './series.js';
import { SeriesLog } from './series-log.js';
import { DEFAULT_MAX_SERIES, type SeriesStoreOptions } from './series-store-options.js';
import { StoredFamily } from './stored-family.js';
import {
  type Cells,
  DETACHED,
  DETACHED_VIEW,
  isShadow,
  FIRST_BLOCK_BYTES,
  memoryBlock,
  SlotAllocator,
} from './value-blocks.js';

export class SeriesStore {
  readonly families = new Set<SeriesFamily>();
  readonly #options: SeriesStoreOptions;
  #backing: Backing;
  #inFile: SlotAllocator;
  #inMemory = new SlotAllocator(memoryBlock);
  readonly #log: SeriesLog;
  readonly #updates: CollectUpdates;
  readonly idle: IdleMarks;
  #nextFamilyId = 1;
  #liveSeries = 0;
  #slotsInMemory = 0;
  #isShort = false;
  #droppedSamples = 0;
  #drops: SeriesFamily | undefined;
  readonly #ambiguous = new AmbiguousNames();
  readonly #copies = new CopiedFamilies();
  #isPrimary = false;
  /** Whether some series are still where the store was before. */
  #isMoving = false;

  constructor(backing: Backing = new MemoryBacking(), options: SeriesStoreOptions = {}) {
    this.#options = options;
    this.#backing = backing;
    this.#inFile = allocatorOf(backing, options.keepsNothing === true ? FIRST_BLOCK_BYTES : undefined);
    this.#log = new SeriesLog(backing, this.families, (cells, shape) => this.#inFile.release(shape, cells));
    const slots = this.#slots();
    this.#updates = new CollectUpdates(slots);
    this.idle = new IdleMarks(slots, (series) => this.detach(series));
  }

  get backing(): Backing {
    return this.#backing;
  }

  get status(): StoreStatus {
    return {
      liveSeries: this.#liveSeries,
      bytesInMemory: (this.#slotsInMemory + this.#log.slotsUnpublished) * Float64Array.BYTES_PER_ELEMENT,
      droppedSamples: this.#droppedSamples,
    };
  }

  /**
   * @param maxSeries maximum number of its series; by default `maxSeriesPerMetric`
   * @param owner the value of `family.owner`, for the family's series
   */
  declare<S extends Series, Owner>(
    declaration: FamilyDeclaration,
    registries: readonly string[],
    maxSeries: number | undefined,
    owner: Owner,
  ): StoredFamily<S, Owner>;
  declare(declaration: FamilyDeclaration, registries: readonly string[], maxSeries?: number): SeriesFamily;
  declare(
    declaration: FamilyDeclaration,
    registries: readonly string[],
    maxSeries?: number,
    owner?: unknown,
  ): SeriesFamily {
    const other = this.#copies.sameMetric(this.families, declaration, registries, owner);
    if (other !== undefined) {
      other.hold(owner, registries);
      return other;
    }
    const limit = maxSeries ?? this.#options.maxSeriesPerMetric ?? 100_000;
    const id = this.#nextFamilyId++;
    const family: SeriesFamily = new StoredFamily(id, declaration, registries, Date.now() / 1000, limit, owner);
    if (this.#isPrimary) family.flags.primary = true;
    if (this.#options.keepsNothing === true) return family;
    this.families.add(family);
    this.#publish(family);
    return family;
  }

  /** Changes the registries that show a family. Without any, it is still counted. */
  setRegistries(family: SeriesFamily, registries: readonly string[], holder: unknown = family.owner): void {
    family.hold(holder, registries);
    this.#publish(family);
    this.#log.restartIfDue();
  }

  /** Starts a `collect()` of the family's metric: readers see its changes when it has ended. */
  beginCollect(family: SeriesFamily): CollectRun {
    return this.#updates.begin(family);
  }

  /** Marks this process as the primary of a cluster. Readers know which families belong to it when `settle` has ended. */
  becomePrimary(): void {
    if (this.#isPrimary) return;
    this.#isPrimary = true;
    for (const family of this.families) family.flags.primary = true;
    this.#log.publishFamiliesLater();
  }

  #publish(family: SeriesFamily): void {
    const { name } = family.declaration;
    const hasBecomeAmbiguous = this.#ambiguous.note(name, family.registries);
    if (this.#ambiguous.has(name)) family.flags.ambiguous = true;
    this.#log.publishFamily(family);
    if (!hasBecomeAmbiguous) return;
    for (const other of this.families) {
      if (other === family || other.declaration.name !== name) continue;
      other.flags.ambiguous = true;
      this.#log.publishFamily(other);
    }
  }

  /** Forgets a family and frees its slots, unless another copy of this package uses it too. */
  forget(family: SeriesFamily, holder: unknown = family.owner): void {
    if (family.holders.length > 1) {
      family.release(holder);
      this.#publish(family);
      return;
    }
    this.#updates.forget(family);
    for (const series of family.series) this.detach(series);
    if (family.registries.length > 0) this.setRegistries(family, []);
    this.families.delete(family);
    this.#log.restartIfDue();
  }

  setDefaultLabels(registry: string, labels: Readonly<Record<string, string>>): void {
    this.#log.setDefaultLabels(registry, labels);
    this.#log.restartIfDue();
  }

  /**
   * Gives a series its slots, all zero, and adds it to its family; false where `maxSeries` forbids it (the sample is
   * dropped and counted). Where the file has no room the slots are in memory.
   */
  attach(series: Series): boolean {
    const { family } = series;
    const perProcess = this.#options.maxSeries ?? DEFAULT_MAX_SERIES;
    const isFull = family.series.size >= family.maxSeries || this.#liveSeries >= perProcess;
    if (isFull && !this.idle.makeRoom(family)) {
      this.dropSample(family, 'max_series');
      if (!family.warnedFull) {
        family.warnedFull = true;
        this.#options.onFull?.(family, Math.min(family.maxSeries, perProcess));
      }
      return false;
    }
    this.#admit(series);
    return true;
  }

  #admit(series: Series): void {
    if (series.createdAt === 0) series.createdAt = Date.now() / 1000;
    const { family } = series;
    if (family.shown === undefined) this.#bind(family, series);
    else family.shown.bind(family.kind, family.slots, series);
    family.series.add(series);
    this.#liveSeries++;
    this.#log.publishSeries(series);
    if (this.#log.isBehind) this.#reportShortage();
  }

  dropSample(family: SeriesFamily, reason: DropReason): void {
    const { name } = family.declaration;
    this.#droppedSamples++;
    this.#drops ??= this.declare(DROPPED_SAMPLES, family.registries);
    let series = this.#drops.series.findValues([name, reason]);
    if (series === undefined) {
      series = new Series(this.#drops, [name, reason]);
      this.#admit(series);
    }
    series.view[series.index]++;
  }

  /**
   * Removes a series: its slots are zeroed and reused later. A holder of the series writes to a new one at its next write.
   */
  detach(series: Series): void {
    if (series.index === DETACHED) return;
    series.family.remove(series);
    this.#liveSeries--;
    if (this.#updates.defers(series.family)) this.#updates.remove(series);
    if (series.attachments !== undefined) {
      for (const attachment of series.attachments) this.#release(attachment, attachmentShape(attachment.role));
      series.attachments = undefined;
    }
    this.#release(series, series.family);
    series.createdAt = 0;
    this.#log.restartIfDue();
  }

  attachTo(owner: Series, role: AttachmentRole): Attachment {
    // the record of an attachment names the slots of its owner
    this.#bring(owner);
    const attachment = new Attachment(owner, role);
    const shape = attachmentShape(role);
    if (isShadow(owner)) owner.family.shown!.bind(shape.kind, shape.slots, attachment);
    else this.#bind(shape, attachment);
    owner.attachments = (owner.attachments ?? []).concat(attachment);
    this.#log.publishAttachment(attachment);
    return attachment;
  }

  /** Removes one attachment, such as a chunk of a sketch whose windows have all expired. */
  detachFrom(owner: Series, attachment: Attachment): void {
    owner.attachments = owner.attachments?.filter((other) => other !== attachment);
    this.#release(attachment, attachmentShape(attachment.role));
    this.#log.restartIfDue();
  }

  /**
   * Moves all values to another backing, with pauses in which series are added, removed and counted. A new series is in the
   * new place at once, each of the others from its turn on. The old backing does not change, and the caller closes it. The
   * caller ends a move before it begins another one.
   */
  *moveInSteps(backing: Backing): Generator<void, void> {
    this.#isMoving = true;
    this.#backing = backing;
    this.#inFile = allocatorOf(backing);
    this.#inMemory = new SlotAllocator(memoryBlock);
    this.#slotsInMemory = 0;
    this.#log.beginMove(backing);
    for (const family of this.families) {
      if (!family.published) this.#log.publishFamily(family);
      yield;
      for (const series of family.logged()) {
        this.#bring(series);
        yield;
      }
    }
    this.#isMoving = false;
    this.#log.endMove();
    this.report();
  }

  /** Number of series that no reader sees, for lack of room in the file. */
  get unseenSeries(): number {
    if (this.#backing.kind === 'memory') return 0;
    let unseen = 0;
    for (const { publishedIn } of this.#everySeries()) if (publishedIn === 0) unseen++;
    return unseen;
  }

  /** Tries again what had no room before, and reports the state to the backing. Called every few seconds. */
  settle(): void {
    for (const _ of this.settleInSteps());
  }

  /** The same with pauses. */
  *settleInSteps(): Generator<void, void> {
    if (this.#isMoving) return;
    for (const _ of this.#tryAgain()) {
      yield;
      // the move takes everything with it
      if (this.#isMoving) return;
    }
    if (this.status.bytesInMemory === 0) this.#isShort = false;
    this.report();
  }

  *#tryAgain(): Generator<void, void> {
    const wasInMemory = this.#slotsInMemory > 0;
    if (wasInMemory) yield* this.#moveIn();
    if (wasInMemory || this.#log.isBehind || this.#log.hasChangedFamilies) yield* this.#log.catchUp();
  }

  report(): void {
    this.#backing.report(this.status);
  }

  *#everySeries(): IterableIterator<Series> {
    for (const family of this.families) yield* family.logged();
  }

  #slots(): StoreSlots {
    const backing = (): Backing => this.#backing;
    return {
      get backing() {
        return backing();
      },
      log: this.#log,
      bind: (shape, cells) => this.#bind(shape, cells),
      allocateInFile: (shape, cells) => this.#inFile.allocate(shape, cells),
      freeInFile: (shape, cells) => this.#inFile.release(shape, cells),
      release: (cells, shape) => this.#release(cells, shape),
      bring: (series) => this.#bring(series),
    };
  }

  #bind(shape: SlotShape, cells: Cells): void {
    if (this.#inFile.allocate(shape, cells)) return;
    this.#inMemory.allocate(shape, cells);
    this.#slotsInMemory += shape.slots;
    this.#reportShortage();
  }

  /** At once, because a short job may end before the next `settle`. */
  #reportShortage(): void {
    this.report();
    if (this.#isShort) return;
    this.#isShort = true;
    this.#options.onNoRoom?.();
  }

  /** Moves a series with its attachments out of the place that the store is leaving, and publishes it in the new one. */
  #bring(series: Series): void {
    if (!this.#isMoving) return;
    if (this.#rebind(series, series.family)) this.#log.publishSeries(series);
    for (const attachment of series.attachments ?? []) {
      if (this.#rebind(attachment, attachmentShape(attachment.role))) this.#log.publishAttachment(attachment);
    }
  }

  #rebind(cells: Cells & { publishedIn: number }, shape: SlotShape): boolean {
    if (!this.#isLeft(cells.block)) return false;
    const { view, index } = cells;
    this.#bind(shape, cells);
    for (let slot = 0; slot < shape.slots; slot++) cells.view[cells.index + slot] = view[index + slot];
    cells.publishedIn = 0;
    return true;
  }

  /** Whether a block is of the place that the store is leaving. */
  #isLeft(block: Cells['block']): boolean {
    if (!this.#isMoving || block === undefined || isShadow({ block })) return false;
    return !this.#inFile.owns(block) && !this.#inMemory.owns(block);
  }

  /** Moves slots from memory to the file as far as there is room. */
  *#moveIn(): Generator<void, void> {
    const move = (cells: Cells, shape: SlotShape): boolean => {
      if (cells.block === undefined || cells.block.number >= 0 || isShadow(cells)) return true;
      const { view, index } = cells;
      if (!this.#inFile.allocate(shape, cells)) return false;
      cells.view.set(view.subarray(index, index + shape.slots), cells.index);
      this.#slotsInMemory -= shape.slots;
      return true;
    };
    for (const series of this.#everySeries()) {
      if (!move(series, series.family)) return;
      if (!(series.attachments ?? []).every((each) => move(each, attachmentShape(each.role)))) return;
      yield;
    }
    if (this.#slotsInMemory === 0) this.#inMemory = new SlotAllocator(memoryBlock);
  }

  #release(cells: Cells & { publishedIn: number }, shape: SlotShape): void {
    const { view, block, index, publishedIn } = cells;
    const slots = { view, index, block };
    cells.view = DETACHED_VIEW;
    cells.index = DETACHED;
    cells.block = undefined;
    cells.publishedIn = 0;
    if (block === undefined || isShadow(slots) || this.#isLeft(block)) return;
    if (block.number < 0 && this.#backing.kind !== 'memory') {
      this.#slotsInMemory -= shape.slots;
      this.#inMemory.release(shape, slots);
      return;
    }
    if (publishedIn > 0) this.#log.publishRemoval(slots, shape, publishedIn);
    else this.#inFile.release(shape, slots);
  }
}

function allocatorOf(backing: Backing, largestBlockBytes?: number): SlotAllocator {
  return new SlotAllocator(
    (kind, slots) => backing.addValueBlock(kind, slots),
    () => backing.publishedAt,
    largestBlockBytes,
  );
}
