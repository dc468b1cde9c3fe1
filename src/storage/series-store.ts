/**
 * Every series of this process, and its slots. The instruments write through the series' own `view` and `index`; the store
 * is called only when a series is added, removed or moved. series-log.ts publishes that to readers.
 * The backing decides where the slots are: in plain memory (one process without a directory), in a mapped file, or in a
 * file that a timer writes. A series without room in the file is counted in memory, and moved into the file later. A whole
 * store moves when a directory appears or its file was deleted. Then the children are bound again.
 */
import type { AttachmentRole } from '../metrics-file/attachment.js';
import type { Backing, StoreStatus } from '../metrics-file/backing.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import { AmbiguousNames } from './ambiguous-names.js';
import { type CollectRun, CollectUpdates } from './collect-updates.js';
import { CopiedFamilies } from './copied-families.js';
import { IdleMarks } from './idle-marks.js';
import { Attachment, Series, type SeriesFamily } from './series.js';
import {
  DEFAULT_MAX_SERIES,
  DEFAULT_MAX_SERIES_PER_METRIC,
  DROPPED_SAMPLES,
  type DropReason,
  warnOfFull,
} from './series-limits.js';
import type { SeriesLog } from './series-log.js';
import { SlotPlaces } from './slot-places.js';
import { StoredFamily } from './stored-family.js';
import { DETACHED, isShadow, FIRST_BLOCK_BYTES, MEMORY } from './value-blocks.js';

export interface SeriesStoreOptions {
  /** Maximum number of series of one metric. */
  readonly maxSeriesPerMetric?: number;
  /** Maximum number of series of the process. */
  readonly maxSeries?: number;
  /**
   * For metrics that are not in merged output: the store keeps none of them alive, so that each is freed when its program
   * drops it. Its slots then stay unused, in blocks that are small and are freed with the last of their metrics.
   */
  readonly keepsNothing?: boolean;
  /** Called when the file has no room, and again when that happens after there was room. */
  readonly onNoRoom?: () => void;
}

export class SeriesStore {
  readonly families = new Set<SeriesFamily>();
  readonly idle: IdleMarks;
  readonly #options: SeriesStoreOptions;
  readonly #places: SlotPlaces;
  readonly #log: SeriesLog;
  readonly #updates: CollectUpdates;
  #nextFamilyId = 1;
  #liveSeries = 0;
  #isShort = false;
  #droppedSamples = 0;
  #drops: SeriesFamily | undefined;
  readonly #ambiguous = new AmbiguousNames();
  readonly #copies = new CopiedFamilies();
  #isPrimary = false;

  constructor(backing: Backing = MEMORY, options: SeriesStoreOptions = {}) {
    this.#options = options;
    const largest = options.keepsNothing === true ? FIRST_BLOCK_BYTES : undefined;
    this.#places = new SlotPlaces(backing, this.families, () => this.#reportShortage(), largest);
    this.#log = this.#places.log;
    this.#updates = new CollectUpdates(this.#places);
    this.idle = new IdleMarks(this.#places, (series) => this.detach(series));
  }

  get backing(): Backing {
    return this.#places.backing;
  }

  get status(): StoreStatus {
    return {
      liveSeries: this.#liveSeries,
      bytesInMemory: (this.#places.slotsInMemory + this.#log.slotsUnpublished) * Float64Array.BYTES_PER_ELEMENT,
      droppedSamples: this.#droppedSamples,
    };
  }

  /** @param owner the value of `family.owner`, for the family's series */
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
    const limit = maxSeries ?? this.#options.maxSeriesPerMetric ?? DEFAULT_MAX_SERIES_PER_METRIC;
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
        warnOfFull(family.declaration.name, Math.min(family.maxSeries, perProcess));
      }
      return false;
    }
    this.#admit(series);
    return true;
  }

  #admit(series: Series): void {
    if (series.createdAt === 0) series.createdAt = Date.now() / 1000;
    const { family } = series;
    if (family.shown === undefined) this.#places.bind(family, series);
    else family.shown.slots.allocate(family, series);
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

  /** Removes a series: its slots are zeroed and reused later. A holder of it writes to a new one at its next write. */
  detach(series: Series): void {
    if (series.index === DETACHED) return;
    series.family.remove(series);
    this.#liveSeries--;
    if (this.#updates.defers(series.family)) this.#updates.remove(series);
    this.#places.releaseAll(series);
    series.attachments = undefined;
    series.createdAt = 0;
    this.#log.restartIfDue();
  }

  attachTo(owner: Series, role: AttachmentRole): Attachment {
    // the record of an attachment names the slots of its owner
    this.#places.bring(owner);
    const attachment = new Attachment(owner, role);
    if (isShadow(owner)) owner.family.shown!.slots.allocate(attachment.shape, attachment);
    else this.#places.bind(attachment.shape, attachment);
    owner.attachments = (owner.attachments ?? []).concat(attachment);
    this.#log.publishAttachment(attachment);
    return attachment;
  }

  /** Removes one attachment, such as a chunk of a sketch whose windows have all expired. */
  detachFrom(owner: Series, attachment: Attachment): void {
    owner.attachments = owner.attachments?.filter((other) => other !== attachment);
    this.#places.release(attachment);
    this.#log.restartIfDue();
  }

  /**
   * Moves all values to another backing, with pauses in which series are added, removed and counted. A new series is in the
   * new place at once, each of the others from its turn on. The old backing does not change, and the caller closes it. The
   * caller ends a move before it begins another one.
   */
  *moveInSteps(backing: Backing): Generator<void, void> {
    this.#places.beginMove(backing);
    for (const family of this.families) {
      if (!family.published) this.#log.publishFamily(family);
      yield;
      for (const series of family.logged()) {
        this.#places.bring(series);
        yield;
      }
    }
    this.#places.endMove();
    this.report();
  }

  /** Number of series that no reader sees, for lack of room in the file. */
  get unseenSeries(): number {
    if (this.backing.kind === 'memory') return 0;
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
    if (this.#places.isMoving) return;
    for (const _ of this.#tryAgain()) {
      yield;
      // the move takes everything with it
      if (this.#places.isMoving) return;
    }
    if (this.status.bytesInMemory === 0) this.#isShort = false;
    this.report();
  }

  *#tryAgain(): Generator<void, void> {
    const wasInMemory = this.#places.slotsInMemory > 0;
    if (wasInMemory) yield* this.#places.moveIn(this.#everySeries());
    if (wasInMemory || this.#log.isBehind || this.#log.hasChangedFamilies) yield* this.#log.catchUp();
  }

  report(): void {
    this.backing.report(this.status);
  }

  *#everySeries(): IterableIterator<Series> {
    for (const family of this.families) yield* family.logged();
  }

  /** At once, because a short job may end before the next `settle`. */
  #reportShortage(): void {
    this.report();
    if (this.#isShort) return;
    this.#isShort = true;
    this.#options.onNoRoom?.();
  }
}
