/**
 * Other processes see what a `collect()` does as a whole or not at all: until the callback has ended readers see the state
 * from before it, and then all of the new one at once.
 *
 * While a callback runs, its gauge's values are copies in memory (`isShadow`), and the file keeps those from before. Counters,
 * histograms and summaries go on in the file, for each of their increments is a whole, and the application may make some
 * meanwhile that a SIGKILL must not lose; but a series that the callback removes (`reset()`) stays in the file until the end,
 * and one that is made after that is in memory. `StoredFamily.shown` has the series that readers see in place of the process's
 * own. Other metrics may be filled by the same callback: a removal from any of them is treated in the same way.
 *
 * At the end one append to the log replaces the former slots by new ones, which have their values before it. A process that
 * is killed before the append leaves the state from before. A callback that fails publishes nothing: what it has written
 * stays in memory, for the next one to go on with, as prom-client would have it.
 */
import { BlockKind } from '../metrics-file/layout.js';
import type { Backing } from '../metrics-file/backing.js';
import type { SlotShape } from '../metrics-file/slot-shape.js';
import { gaugeMode } from '../model/gauge-mode.js';
import { attachmentShape } from './log-records.js';
import { Attachment, Series, type SeriesFamily } from './series.js';
import type { SeriesLog } from './series-log.js';
import { ShownSeries } from './shown-series.js';
import { Cells, DETACHED, DETACHED_VIEW, isShadow } from './value-blocks.js';

/** The part of a store that this needs. */
export interface StoreSlots {
  readonly backing: Backing;
  readonly log: SeriesLog;
  /** Slots in the file, or in memory where it has no room. */
  bind(shape: SlotShape, cells: Cells): void;
  /** False where the file has no room. */
  allocateInFile(shape: SlotShape, cells: Cells): boolean;
  /** Gives back slots of the file that no record names any more. */
  freeInFile(shape: SlotShape, cells: Cells): void;
  /** Gives slots back, and publishes their removal. */
  release(cells: Cells & { publishedIn: number }, shape: SlotShape): void;
}

/** One call of a `collect()`. */
export interface CollectRun {
  /** Nobody waits for the callback any more. Its own metric stays as it was until it ends. */
  abandon(): void;
  end(succeeded: boolean): void;
}

/** A series of a gauge, and what readers see of it. */
interface Pair {
  readonly series: Series;
  readonly shown: Series;
}

export class CollectUpdates {
  readonly #store: StoreSlots;
  /** Callbacks that have neither ended nor been abandoned. */
  #running = 0;
  /** Families of which series were removed while another metric's callback ran. */
  readonly #others = new Set<SeriesFamily>();

  constructor(store: StoreSlots) {
    this.#store = store;
  }

  begin(family: SeriesFamily): CollectRun {
    family.callbacks++;
    this.#running++;
    if (family.kind === BlockKind.Gauge && family.shown === undefined && this.#hasReaders) {
      const shown = new ShownSeries<Series>(family.declaration.labelNames);
      for (const series of family.series) {
        const { view, index } = series;
        shown.addCopied(series, this.#shownOf(series));
        shown.bind(family.kind, family.slots, series);
        copyValues(view, index, series, family.slots);
      }
      family.shown = shown;
    }
    let isCounted = true;
    const abandon = (): void => {
      if (isCounted && --this.#running === 0) this.#publishOthers();
      isCounted = false;
    };
    return {
      abandon,
      end: (succeeded) => {
        if (--family.callbacks === 0) this.#publish(family, succeeded);
        abandon();
      },
    };
  }

  /** Whether readers learn of a removal only when a callback has ended. */
  defers(family: SeriesFamily): boolean {
    return (this.#running > 0 || family.callbacks > 0 || family.shown !== undefined) && this.#hasReaders;
  }

  /** The process removes a series: readers go on seeing what they have of it. */
  remove(series: Series): void {
    const { family } = series;
    if (isShadow(series)) {
      family.shown?.removeCopy(series);
      return;
    }
    if (family.callbacks === 0 && family.shown === undefined) this.#others.add(family);
    family.shown ??= new ShownSeries(family.declaration.labelNames);
    family.shown.addRemoved(this.#shownOf(series));
  }

  /** The family is forgotten: readers are to see nothing more of it. */
  forget(family: SeriesFamily): void {
    const { shown = [] } = family;
    family.shown = undefined;
    this.#others.delete(family);
    for (const series of shown) this.#release(series);
  }

  get #hasReaders(): boolean {
    return this.#store.backing.kind !== 'memory';
  }

  /** What readers keep of a series that the process is to write no more to. */
  #shownOf(series: Series): Series {
    const shown = new Series(series.family, series.labelValues);
    shown.createdAt = series.createdAt;
    this.#store.log.cancelRestart();
    handOver(series, shown);
    for (const attachment of series.attachments ?? []) {
      const kept = new Attachment(shown, attachment.role);
      handOver(attachment, kept);
      (shown.attachments ??= []).push(kept);
    }
    series.attachments = undefined;
    return shown;
  }

  #publishOthers(): void {
    for (const family of this.#others) if (family.callbacks === 0) this.#publish(family, true);
    this.#others.clear();
  }

  #publish(family: SeriesFamily, succeeded: boolean): void {
    if (family.shown === undefined) return;
    const { same, changed, added, removed } = changesOf(family, family.shown);
    const count = changed.length + added.length + removed.length;
    if (count > 0 && !succeeded) return;
    family.shown = undefined;
    for (const pair of same) this.#takeBack(pair);
    // one gauge is a whole by itself
    if (count === 1 && changed.length === 1) this.#writeInPlace(changed[0]);
    else if (count > 0) this.#replace(family, changed, added, removed);
  }

  #replace(family: SeriesFamily, changed: Pair[], added: Series[], removed: Series[]): void {
    const { log, backing } = this.#store;
    const moves: { readonly pair: Pair; readonly from: Cells; readonly to: Cells }[] = [];
    for (const pair of changed) {
      const to = new Cells();
      if (pair.shown.publishedIn > 0 && this.#store.allocateInFile(family, to)) {
        copyValues(pair.series.view, pair.series.index, to, family.slots);
        moves.push({ pair, from: pair.shown, to });
      } else {
        this.#writeInPlace(pair);
      }
    }
    for (const series of added) {
      this.#leaveShadow(series, family);
      for (const attachment of series.attachments ?? []) {
        this.#leaveShadow(attachment, attachmentShape(attachment.role));
      }
    }
    // a file that is written on a timer has its records first, and its values a moment after them
    if (backing.kind === 'written') backing.flush();
    if (log.publishReplacement(moves, added, removed)) {
      for (const { pair, from, to } of moves) {
        const former = placeOf(from);
        Object.assign(pair.shown, placeOf(to));
        this.#takeBack(pair);
        this.#store.freeInFile(family, former);
      }
      for (const series of removed) this.#release(series);
      return;
    }
    // no room in the log: the parts by themselves, of which the log tells what it can
    for (const { pair, to } of moves) {
      this.#writeInPlace(pair);
      this.#store.freeInFile(family, to);
    }
    for (const series of added) {
      log.publishSeries(series);
      for (const attachment of series.attachments ?? []) log.publishAttachment(attachment);
    }
    for (const series of removed) this.#release(series);
  }

  #writeInPlace(pair: Pair): void {
    const { series, shown } = pair;
    copyValues(series.view, series.index, shown, series.family.slots);
    this.#takeBack(pair);
  }

  /** Ends the process's copy of a series: from here on it writes where readers read. */
  #takeBack({ series, shown }: Pair): void {
    series.createdAt = shown.createdAt;
    this.#store.log.cancelRestart();
    handOver(shown, series);
  }

  #leaveShadow(cells: Cells, shape: SlotShape): void {
    if (!isShadow(cells)) return;
    const { view, index } = cells;
    this.#store.bind(shape, cells);
    copyValues(view, index, cells, shape.slots);
  }

  #release(series: Series): void {
    for (const attachment of series.attachments ?? []) {
      this.#store.release(attachment, attachmentShape(attachment.role));
    }
    this.#store.release(series, series.family);
  }
}

function changesOf(
  family: SeriesFamily,
  shown: ShownSeries<Series>,
): { same: Pair[]; changed: Pair[]; added: Series[]; removed: Series[] } {
  const [same, changed, added]: [Pair[], Pair[], Series[]] = [[], [], []];
  const removed = new Set(shown.removed());
  for (const series of family.series) {
    if (!isShadow(series)) continue;
    // a counter that was removed and made again is another one, which began later
    const before = family.kind === BlockKind.Gauge ? shown.of(series) : undefined;
    if (before === undefined) {
      added.push(series);
      continue;
    }
    removed.delete(before);
    (isSame(series, before) ? same : changed).push({ series, shown: before });
  }
  return { same, changed, added, removed: [...removed] };
}

/** Whether readers see of a gauge what its process does. */
function isSame({ family, view, index }: Series, shown: Series): boolean {
  const [setAt, shownSetAt] = [view[index + 1], shown.view[shown.index + 1]];
  const { timed } = gaugeMode(family.declaration.gaugeMode);
  const setAlike = setAt === shownSetAt || (!timed && setAt !== 0 && shownSetAt !== 0);
  return setAlike && Object.is(view[index], shown.view[shown.index]);
}

function copyValues(view: Float64Array, index: number, to: Cells, slots: number): void {
  for (let slot = 0; slot < slots; slot++) to.view[to.index + slot] = view[index + slot];
}

function placeOf({ view, index, block }: Cells): Cells {
  return { view, index, block };
}

function handOver(from: Cells & { publishedIn: number }, to: Cells & { publishedIn: number }): void {
  to.view = from.view;
  to.index = from.index;
  to.block = from.block;
  to.publishedIn = from.publishedIn;
  from.view = DETACHED_VIEW;
  from.index = DETACHED;
  from.block = undefined;
  from.publishedIn = 0;
}
