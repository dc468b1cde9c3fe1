import { encodeDefaultLabels, encodeFamily, encodeRemoval, encodeReplacement } from '../metrics-file/record.js';
import type { Backing } from '../metrics-file/backing.js';
import type { SlotShape } from '../metrics-file/slot-shape.js';
import { attachmentRecord, isInFile, seriesRecord } from './log-records.js';
import { LogRestart } from './log-restart.js';
import type { Attachment, Series, SeriesFamily } from './series.js';
import type { Cells } from './value-blocks.js';

/** A log of this many dead records for each living one is restarted. */
const DEAD_PER_LIVE = 4;
const RESTART_AT_LEAST = 2048;
/** The bytes of one record in a log name so many gauges that have moved. */
const MOVES_PER_RECORD = 8;
/**
 * A new log takes the place of the last but one, and a reader that is still in that one has to begin again: not more often
 * than a pass of a reader takes, unless records come in at such a rate that the log would take many MiB meanwhile.
 */
const RESTART_AT_MOST_EVERY_MS = 1000;
const RESTART_AT_ONCE = 65_536;
/** So long a restart holds the thread up at a time. */
const SLICE_MS = 4;

/**
 * The log of a store's families and series in its file. Records that find no room are appended later, and slots whose
 * removal found none are kept back until then. Plain memory has no log.
 */
export class SeriesLog {
  readonly #families: ReadonlySet<SeriesFamily>;
  readonly #freed: (cells: Cells, shape: SlotShape) => void;
  #backing: Backing;
  readonly #defaultLabels = new Map<string, Readonly<Record<string, string>>>();
  #defaultLabelsPublished = true;
  /** Slots of removed series, whose removal the log has no room for yet. */
  #pendingRemovals: { cells: Cells; shape: SlotShape }[] = [];
  #isBehind = false;
  #slotsUnpublished = 0;
  #records = 0;
  #liveRecords = 0;
  #restartedAt = -Infinity;
  /** Of the log that new series are published in; a log that is being written has the next one. */
  #number = 1;
  #restart: LogRestart | undefined;
  #recordsAtRestart = 0;

  /**
   * @param families all that there are, as they are
   * @param freed told of removed slots once readers can know of the removal
   */
  constructor(backing: Backing, families: ReadonlySet<SeriesFamily>, freed: (cells: Cells, shape: SlotShape) => void) {
    this.#backing = backing;
    this.#families = families;
    this.#freed = freed;
  }

  /** Whether a record is missing from the log for want of room. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Slots in the file of series that the log had no room for, so that no reader sees them; those removed since included. */
  get slotsUnpublished(): number {
    return this.#slotsUnpublished;
  }

  /** Publishes everything, in the log of another backing. */
  moveTo(backing: Backing): void {
    this.#backing = backing;
    this.#restart = undefined;
    this.#pendingRemovals = [];
    this.#records = this.#liveRecords = 0;
    this.#defaultLabelsPublished = false;
    for (const family of this.#families) {
      family.published = false;
      for (const series of family.logged()) {
        series.publishedIn = 0;
        for (const attachment of series.attachments ?? []) attachment.publishedIn = 0;
      }
    }
    this.catchUp();
  }

  /** A family that is new, or shown in other registries than before. */
  publishFamily(family: SeriesFamily): void {
    family.published = !this.#isThere || this.#append(encodeFamily(family));
  }

  /** A series that is new. One that is in memory for want of room is published when it has moved into the file. */
  publishSeries(series: Series): void {
    if (!this.#isThere || !isInFile(series)) return;
    series.publishedIn = series.family.published && this.#append(seriesRecord(series)) ? this.#number : 0;
    if (series.publishedIn > 0) this.#liveRecords++;
    else this.#slotsUnpublished += series.family.slots;
  }

  publishAttachment(attachment: Attachment): void {
    if (!this.#isThere) return;
    const isNamed =
      isInFile(attachment) && attachment.owner.publishedIn > 0 && this.#append(attachmentRecord(attachment));
    attachment.publishedIn = isNamed ? this.#number : 0;
    if (isNamed) this.#liveRecords++;
  }

  /** @param publishedIn the log that names these slots */
  publishRemoval(cells: Cells, shape: SlotShape, publishedIn: number): void {
    this.#liveRecords--;
    const record = encodeRemoval(cells.block!.number, cells.index);
    if (publishedIn === this.#restart?.number) this.#restart.add(record);
    // before its slots turn zero, or a reader would show a zero once
    if (this.#appendToPresent(record)) this.#freed(cells, shape);
    else this.#pendingRemovals.push({ cells, shape });
  }

  /**
   * Publishes, as one step, that gauges are at other slots, that series are there and that others are not. False where the log
   * has no room: nothing is published.
   */
  publishReplacement(
    moves: readonly { readonly from: Cells; readonly to: Cells }[],
    added: readonly Series[],
    removed: readonly Series[],
  ): boolean {
    this.cancelRestart();
    const places = moves.flatMap(({ from, to }) => [from.block!.number, from.index, to.block!.number, to.index]);
    const records = [encodeReplacement(places)];
    const named: (Series | Attachment)[] = [];
    for (const series of added) {
      if (!isInFile(series) || !series.family.published) continue;
      records.push(seriesRecord(series));
      named.push(series);
      for (const attachment of series.attachments ?? []) {
        if (!isInFile(attachment)) continue;
        records.push(attachmentRecord(attachment));
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

  /** Publishes what there was no room for before, in an order that a reader can follow. */
  catchUp(): void {
    this.#isBehind = false;
    this.#slotsUnpublished = 0;
    while (this.#pendingRemovals.length > 0) {
      const { cells, shape } = this.#pendingRemovals[0];
      if (!this.#appendToPresent(encodeRemoval(cells.block!.number, cells.index))) return;
      this.#freed(cells, shape);
      this.#pendingRemovals.shift();
    }
    if (!this.#defaultLabelsPublished) this.#publishDefaultLabels();
    for (const family of this.#families) {
      if (!family.published) this.publishFamily(family);
      for (const series of family.logged()) {
        if (series.publishedIn === 0) this.publishSeries(series);
        for (const attachment of series.attachments ?? []) {
          if (attachment.publishedIn === 0) this.publishAttachment(attachment);
        }
      }
    }
  }

  /** Keeps the log bounded where series come and go: a new one has what is alive and nothing else. */
  restartIfDue(): void {
    if (this.#restart !== undefined) {
      // no turn of the event loop has come for long
      if (this.#records >= this.#recordsAtRestart + RESTART_AT_ONCE) this.#goOn(this.#restart, Infinity);
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
    this.#goOn(this.#restart, SLICE_MS);
  }

  /** For changes that a log which is being written cannot follow. It is begun again when it is due. */
  cancelRestart(): void {
    this.#restart?.discard();
    this.#restart = undefined;
  }

  #goOn(restart: LogRestart, forMs: number): void {
    if (restart !== this.#restart) return;
    const isWhole = restart.run(forMs);
    if (isWhole === undefined) {
      setImmediate(() => this.#goOn(restart, SLICE_MS)).unref();
      return;
    }
    if (!isWhole) {
      this.cancelRestart();
      this.#isNotRestarted();
      return;
    }
    restart.publish();
    this.#restart = undefined;
    this.#records = restart.records;
    // the new log does not name what was removed, or names its removal
    for (const { cells, shape } of this.#pendingRemovals) this.#freed(cells, shape);
    this.#pendingRemovals = [];
    if (this.#isBehind) this.catchUp();
  }

  /** The next try waits until the log has doubled. */
  #isNotRestarted(): void {
    this.#records = Math.floor(this.#records / 2);
  }

  /** All that the present log names. By one iterator: 99,000 series took 18 ms through a generator of generators, and take 4. */
  #named(): (Series | Attachment)[] {
    const named: (Series | Attachment)[] = [];
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
