/**
 * Other processes see all changes of a `collect()` or none: until the callback has ended readers see the state from before it, and
 * then all of the new state at once.
 *
 * While a callback runs, its gauge's values are copies in memory (`isShadow`), and the file keeps the former ones. Counters, histograms
 * and summaries are still written to the file, because each increment is complete in itself, and a SIGKILL must not lose increments that
 * the application makes meanwhile. But a series that the callback removes (`reset()`) stays in the file until the end, and a series
 * that it creates after that is in memory. `StoredFamily.shown` has the series that readers see instead of the process's own. The same
 * callback may also fill other metrics: their removals are treated in the same way.
 *
 * At the end one append to the log replaces the former slots by new ones, which get their values before it. A process that is killed
 * before the append leaves the former state. A callback that fails publishes nothing: its values stay in memory, where the next
 * callback continues, as in prom-client.
 */
import { BlockKind } from '../metrics-file/layout.js';
import { gaugeMode } from '../model/gauge-mode.js';
import { Attachment, type RecordedCells, Series, type SeriesFamily } from './series.js';
import { ShownSeries } from './shown-series.js';
import type { SlotPlaces } from './slot-places.js';
import { Cells, copyValues, DETACHED, DETACHED_VIEW, isShadow } from './value-blocks.js';

export interface CollectRun {
  /** Called when no caller waits for the callback any more. Its own metric stays unchanged until it ends. */
  abandon(): void;
  end(succeeded: boolean): void;
}

/** A series of a gauge, and the series that readers see. */
interface Pair {
  readonly series: Series;
  readonly shown: Series;
}

export class CollectUpdates {
  readonly #places: SlotPlaces;
  /** Callbacks that have neither ended nor been abandoned. */
  #running = 0;
  /** Families of which series were removed while a callback of another metric ran. */
  readonly #others = new Set<SeriesFamily>();

  constructor(places: SlotPlaces) {
    this.#places = places;
  }

  begin(family: SeriesFamily): CollectRun {
    family.callbacks++;
    this.#running++;
    if (family.kind === BlockKind.Gauge && family.shown === undefined && this.#hasReaders) {
      const shown = new ShownSeries<Series>(family.declaration.labelNames);
      for (const series of family.series) {
        const { view, index } = series;
        shown.addCopied(series, this.#shownOf(series));
        shown.slots.allocate(family, series);
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

  /** Whether a removal is published only when a callback has ended. */
  defers(family: SeriesFamily): boolean {
    return (this.#running > 0 || family.callbacks > 0 || family.shown !== undefined) && this.#hasReaders;
  }

  /** Removes a series from the process: readers still see it. */
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

  /** Forgets a family: readers see nothing of it any more. */
  forget(family: SeriesFamily): void {
    const { shown = [] } = family;
    family.shown = undefined;
    this.#others.delete(family);
    for (const series of shown) this.#places.releaseAll(series);
  }

  get #hasReaders(): boolean {
    return this.#places.backing.kind !== 'memory';
  }

  /** The series that readers keep when the process stops writing to it. */
  #shownOf(series: Series): Series {
    this.#places.bring(series);
    const shown = new Series(series.family, series.labelValues);
    shown.createdAt = series.createdAt;
    this.#places.log.cancelRestart();
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
    for (const series of family.shown) this.#places.bring(series);
    const { same, changed, added, removed } = changesOf(family, family.shown);
    const count = changed.length + added.length + removed.length;
    if (count > 0 && !succeeded) return;
    family.shown = undefined;
    for (const pair of same) this.#takeBack(pair);
    // a change of one gauge is atomic by itself
    if (count === 1 && changed.length === 1) this.#writeInPlace(changed[0]);
    else if (count > 0) this.#replace(family, changed, added, removed);
  }

  #replace(family: SeriesFamily, changed: Pair[], added: Series[], removed: Series[]): void {
    const { log, backing } = this.#places;
    const moves: { readonly pair: Pair; readonly from: Cells; readonly to: Cells }[] = [];
    for (const pair of changed) {
      const to = new Cells();
      if (pair.shown.publishedIn > 0 && this.#places.inFile.allocate(family, to)) {
        copyValues(pair.series.view, pair.series.index, to, family.slots);
        moves.push({ pair, from: pair.shown, to });
      } else {
        this.#writeInPlace(pair);
      }
    }
    for (const series of added) {
      this.#leaveShadow(series);
      for (const attachment of series.attachments ?? []) this.#leaveShadow(attachment);
    }
    // a file that is written on a timer gets its records first, and its values a moment later
    if (backing.kind === 'written') backing.flush();
    if (log.publishReplacement(moves, added, removed)) {
      for (const { pair, from, to } of moves) {
        const former = placeOf(from);
        Object.assign(pair.shown, placeOf(to));
        this.#takeBack(pair);
        this.#places.inFile.release(family, former);
      }
      for (const series of removed) this.#places.releaseAll(series);
      return;
    }
    // no room in the log: each change is published separately, as far as the log has room
    for (const { pair, to } of moves) {
      this.#writeInPlace(pair);
      this.#places.inFile.release(family, to);
    }
    for (const series of added) {
      log.publishSeries(series);
      for (const attachment of series.attachments ?? []) log.publishAttachment(attachment);
    }
    for (const series of removed) this.#places.releaseAll(series);
  }

  #writeInPlace(pair: Pair): void {
    const { series, shown } = pair;
    copyValues(series.view, series.index, shown, series.family.slots);
    this.#takeBack(pair);
  }

  /** Ends the process's copy of a series: from here on it writes to the slots that readers see. */
  #takeBack({ series, shown }: Pair): void {
    series.createdAt = shown.createdAt;
    this.#places.log.cancelRestart();
    handOver(shown, series);
  }

  #leaveShadow(cells: RecordedCells): void {
    if (isShadow(cells)) this.#places.rebind(cells);
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
    // a counter that was removed and created again is a new one with a later start
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

function isSame({ family, view, index }: Series, shown: Series): boolean {
  const [setAt, shownSetAt] = [view[index + 1], shown.view[shown.index + 1]];
  const { timed } = gaugeMode(family.declaration.gaugeMode);
  const setAlike = setAt === shownSetAt || (!timed && setAt !== 0 && shownSetAt !== 0);
  return setAlike && Object.is(view[index], shown.view[shown.index]);
}

function placeOf({ view, index, block }: Cells): Cells {
  return { view, index, block };
}

function handOver(from: RecordedCells, to: RecordedCells): void {
  to.view = from.view;
  to.index = from.index;
  to.block = from.block;
  to.publishedIn = from.publishedIn;
  from.view = DETACHED_VIEW;
  from.index = DETACHED;
  from.block = undefined;
  from.publishedIn = 0;
}
