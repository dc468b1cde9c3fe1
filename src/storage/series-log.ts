import { encodeDefaultLabels, encodeFamily, encodeRemoval, encodeReplacement } from '../metrics-file/record.js';
import type { Backing } from '../metrics-file/backing.js';
import type { SlotShape } from '../metrics-file/slot-shape.js';
import { completed, TimeSlices } from '../time-slices.js';
import { LogRestart } from './log-restart.js';
import type { Attachment, RecordedCells, Series, SeriesFamily } from './series.js';
import { type Cells, isInFile } from './value-blocks.js';

/** A log with this many obsolete records for each valid one is replaced. */
const DEAD_PER_LIVE = 4;
const RESTART_AT_LEAST = 2048;
/** One record in a log takes as many bytes as the names of this many moved gauges. */
const MOVES_PER_RECORD = 8;
/**
 * A new log overwrites the last but one, and a reader that is still in that one has to start again. So logs are not
 * replaced more often than the duration of a reader's pass, unless records come in so fast that the log would take many MiB
 * meanwhile.
 */
const RESTART_AT_MOST_EVERY_MS = 1000;
const RESTART_AT_ONCE = 65_536;

/**
 * The log of a store's families and series in its file. Records without room are appended later, and slots without room for
 * their removal are not freed until then. Plain memory has no log.
 */
export class SeriesLog {
  readonly #families: ReadonlySet<SeriesFamily>;
  readonly #freed: (cells: Cells, shape: SlotShape) => void;
  #backing: Backing;
  readonly #defaultLabels = new Map<string, Readonly<Record<string, string>>>();
  #defaultLabelsPublished = true;
  /** Slots of removed series for whose removal the log has had no room. */
  #pendingRemovals: { cells: Cells; shape: SlotShape }[] = [];
  #isBehind = false;
  /** Families whose records lack a change. */
  readonly #changedFamilies = new Set<SeriesFamily>();
  #slotsUnpublished = 0;
  #records = 0;
  #liveRecords = 0;
  #restartedAt = -Infinity;
  /** Number of the log in which new series are published; a log that is being written has the next number. */
  #number = 1;
  #restart: LogRestart | undefined;
  #recordsAtRestart = 0;
  #isMoving = false;

  /** @param freed called for removed slots when readers can know of the removal */
  constructor(backing: Backing, families: ReadonlySet<SeriesFamily>, freed: (cells: Cells, shape: SlotShape) => void) {
    this.#backing = backing;
    this.#families = families;
    this.#freed = freed;
  }

  /** Whether a record is missing from the log for lack of room. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  get hasChangedFamilies(): boolean {
    return this.#changedFamilies.size > 0;
  }

  /** Slots in the file whose series had no room in the log, so that no reader sees them; also of removed series. */
  get slotsUnpublished(): number {
    return this.#slotsUnpublished;
  }

  /**
   * Begins the log of another backing with default labels. The store publishes each family there, and each series when it has
   * moved; until `endMove`, `publishedIn` of the others is that of the former log, and this one is not restarted.
   */
  beginMove(backing: Backing): void {
    this.#isMoving = true;
    this.#backing = backing;
    this.#restart = undefined;
    this.#pendingRemovals = [];
    this.#records = this.#liveRecords = this.#slotsUnpublished = 0;
    this.#isBehind = false;
    this.#changedFamilies.clear();
    this.#publishDefaultLabels();
    for (const family of this.#families) family.published = false;
  }

  endMove(): void {
    this.#isMoving = false;
  }

  /** Publishes a family that is new, or that other registries show now. */
  publishFamily(family: SeriesFamily): void {
    this.#changedFamilies.delete(family);
    family.published = !this.#isThere || this.#append(encodeFamily(family));
  }

  /** Has `catchUp` publish all families again: 5,000 took 80 ms in one go. */
  publishFamiliesLater(): void {
    if (!this.#isThere) return;
    for (const family of this.#families) if (family.published) this.#changedFamilies.add(family);
  }

  /** Publishes a new series. A series that is in memory for lack of room is published when it has moved into the file. */
  publishSeries(series: Series): void {
    if (!this.#isThere || !isInFile(series)) return;
    series.publishedIn = this.#isNamed(series.family) && this.#append(series.logRecord()) ? this.#number : 0;
    if (series.publishedIn > 0) this.#liveRecords++;
    else this.#slotsUnpublished += series.family.slots;
  }

  /** Publishes that a series of the file is idle, or is not idle any more. False where the log has no room. */
  publishChange(series: Series): boolean {
    return series.publishedIn > 0 && this.#append(series.logRecord());
  }

  publishAttachment(attachment: Attachment): void {
    if (!this.#isThere) return;
    const isNamed = isInFile(attachment) && attachment.owner.publishedIn > 0 && this.#append(attachment.logRecord());
    attachment.publishedIn = isNamed ? this.#number : 0;
    if (isNamed) this.#liveRecords++;
  }

  /** @param publishedIn number of the log that names these slots */
  publishRemoval(cells: Cells, shape: SlotShape, publishedIn: number): void {
    this.#liveRecords--;
    const record = encodeRemoval(cells.block!.number, cells.index);
    if (publishedIn === this.#restart?.number) this.#restart.add(record);
    // the record comes before its slots become zero, or a reader would show a zero once
    if (this.#appendToPresent(record)) this.#freed(cells, shape);
    else this.#pendingRemovals.push({ cells, shape });
  }

  /**
   * Publishes in one step that gauges have moved to other slots, that series were added and that others were removed. False
   * where the log has no room: then nothing is published.
   */
  publishReplacement(
    moves: readonly { readonly from: Cells; readonly to: Cells }[],
    added: readonly Series[],
    removed: readonly Series[],
  ): boolean {
    this.cancelRestart();
    const places = moves.flatMap(({ from, to }) => [from.block!.number, from.index, to.block!.number, to.index]);
    const records = [encodeReplacement(places)];
    const named: RecordedCells[] = [];
    for (const series of added) {
      if (!isInFile(series) || !this.#isNamed(series.family)) continue;
      records.push(series.logRecord());
      named.push(series);
      for (const attachment of series.attachments ?? []) {
        if (!isInFile(attachment)) continue;
        records.push(attachment.logRecord());
        named.push(attachment);
      }
    }
    const gone = removed.flatMap((series) => [series, ...(series.attachments ?? [])]);
    for (const { publishedIn, block, index } of gone) {
      if (publishedIn > 0) records.push(encodeRemoval(block!.number, index));
    }
    if (!this.#append(Buffer.concat(records))) return false;
    this.#records += records.length - 1 + Math.floor(moves.length / MOVES_PER_RECORD);
    for (const each of named) each.publishedIn = this.#number;
    const removals = gone.filter(({ publishedIn }) => publishedIn > 0);
    this.#liveRecords += named.length - removals.length;
    // the log does not name their slots any more
    for (const each of removals) each.publishedIn = 0;
    return true;
  }

  setDefaultLabels(registry: string, labels: Readonly<Record<string, string>>): void {
    this.#defaultLabels.set(registry, labels);
    this.#publishDefaultLabels();
  }

  /** Publishes the records for which there was no room before, in an order that a reader can follow; with pauses. */
  *catchUp(): Generator<void, void> {
    this.#isBehind = false;
    this.#slotsUnpublished = 0;
    while (this.#pendingRemovals.length > 0) {
      const { cells, shape } = this.#pendingRemovals[0];
      if (!this.#appendToPresent(encodeRemoval(cells.block!.number, cells.index))) return;
      this.#freed(cells, shape);
      this.#pendingRemovals.shift();
      yield;
    }
    if (!this.#defaultLabelsPublished) this.#publishDefaultLabels();
    for (const family of this.#families) {
      if (!family.published) this.publishFamily(family);
      for (const series of family.logged()) {
        if (series.publishedIn === 0) this.publishSeries(series);
        for (const attachment of series.attachments ?? []) {
          if (attachment.publishedIn === 0) this.publishAttachment(attachment);
        }
        yield;
      }
    }
    for (const family of this.#changedFamilies) {
      this.publishFamily(family);
      yield;
    }
  }

  /** Keeps the log limited where series come and go: a new log contains what exists now and nothing else. */
  restartIfDue(): void {
    if (this.#isMoving) return;
    if (this.#restart !== undefined) {
      // the event loop has not turned for long
      if (this.#records >= this.#recordsAtRestart + RESTART_AT_ONCE) {
        this.#endRestart(this.#restart, completed(this.#restart.steps));
      }
      return;
    }
    if (this.#records < RESTART_AT_LEAST || this.#records < this.#liveRecords * DEAD_PER_LIVE) return;
    const now = performance.now();
    if (this.#records < RESTART_AT_ONCE && now - this.#restartedAt < RESTART_AT_MOST_EVERY_MS) return;
    this.#restartedAt = now;
    const draft = this.#backing.beginLog();
    if (draft === undefined) {
      this.#isNotRestarted();
      return;
    }
    this.#recordsAtRestart = this.#records;
    const head = [
      ...[...this.#defaultLabels].map(([registry, labels]) => encodeDefaultLabels(registry, labels)),
      ...[...this.#families].map((family) => encodeFamily(family)),
    ];
    this.#restart = new LogRestart(draft, ++this.#number, head, this.#named());
    void this.#write(this.#restart);
  }

  /** For changes that a new log in progress cannot include. It is started again when it is due. */
  cancelRestart(): void {
    this.#restart?.draft.discard();
    this.#restart = undefined;
  }

  /** A small log is complete when this returns. */
  async #write(restart: LogRestart): Promise<void> {
    const slices = new TimeSlices(undefined, false);
    for (;;) {
      const { done, value } = slices.advance(restart.steps);
      if (done === true) return this.#endRestart(restart, value);
      await slices.next();
      if (restart !== this.#restart) return;
    }
  }

  #endRestart(restart: LogRestart, isWhole: boolean): void {
    if (!isWhole) {
      this.cancelRestart();
      this.#isNotRestarted();
      return;
    }
    restart.draft.publish();
    this.#restart = undefined;
    this.#records = restart.records;
    // the new log does not name what was removed, or it names the removal
    for (const { cells, shape } of this.#pendingRemovals) this.#freed(cells, shape);
    this.#pendingRemovals = [];
    if (this.#isBehind) for (const _ of this.catchUp());
  }

  /** Records a failure: the next try waits until the log has doubled. */
  #isNotRestarted(): void {
    this.#records = Math.floor(this.#records / 2);
  }

  /** Everything that the log names. In one function: for 99,000 series nested generators took 18 ms, and this takes 4. */
  #named(): RecordedCells[] {
    const named: RecordedCells[] = [];
    for (const { series, shown } of this.#families) {
      for (const every of shown === undefined ? [series] : [series, shown]) {
        for (const each of every) {
          if (each.publishedIn === 0) continue;
          named.push(each);
          if (each.attachments === undefined) continue;
          for (const attachment of each.attachments) if (attachment.publishedIn > 0) named.push(attachment);
        }
      }
    }
    return named;
  }

  /** Whether the log has a family; during a move a family is published before its turn, if it gets a series. */
  #isNamed(family: SeriesFamily): boolean {
    if (this.#isMoving && !family.published) this.publishFamily(family);
    return family.published;
  }

  get #isThere(): boolean {
    return this.#backing.kind !== 'memory';
  }

  #append(record: Uint8Array): boolean {
    const appended = this.#appendToPresent(record);
    if (appended) this.#restart?.add(record);
    return appended;
  }

  #appendToPresent(record: Uint8Array): boolean {
    const appended = this.#backing.append(record);
    if (appended) this.#records++;
    else this.#isBehind = true;
    return appended;
  }

  #publishDefaultLabels(): void {
    this.#defaultLabelsPublished = true;
    if (!this.#isThere) return;
    for (const [registry, labels] of this.#defaultLabels) {
      if (!this.#append(encodeDefaultLabels(registry, labels))) this.#defaultLabelsPublished = false;
    }
  }
}
