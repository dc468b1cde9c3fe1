/**
 * Series that have not changed for `expireAfterSeconds`.
 *
 * A gauge is removed. A counter, histogram or summary in a file is marked instead, and its counts stay: if a process removed
 * them while another one still counts, the sum would fall, which for Prometheus is a restart, after which it adds the
 * remainder again. Readers do not show a series that is marked in every process that has it.
 */
import { BlockKind } from '../metrics-file/layout.js';
import type { Series, SeriesFamily } from './series.js';
import type { SlotPlaces } from './slot-places.js';

/** Marked series beyond this number in a metric are removed, the longest idle first, because each takes memory. */
const MAX_MARKED = 10_000;

export class IdleMarks {
  readonly #places: SlotPlaces;
  readonly #remove: (series: Series) => void;

  constructor(places: SlotPlaces, remove: (series: Series) => void) {
    this.#places = places;
    this.#remove = remove;
  }

  /** Marks or removes a series that is idle. */
  expire(series: Series): void {
    // while the store moves, the log does not name the slots that the series has before its turn
    this.#places.bring(series);
    const { family, publishedIn } = series;
    if (family.kind === BlockKind.Gauge || publishedIn === 0 || family.shown !== undefined) {
      this.#remove(series);
      return;
    }
    family.idle ??= new Map();
    family.idle.set(series, Date.now() / 1000);
    if (!this.#places.log.publishChange(series)) family.idle.delete(series);
    if (family.idle.size > MAX_MARKED) this.makeRoom(family);
  }

  revive(series: Series): void {
    const { idle } = series.family;
    const since = idle?.get(series);
    if (since === undefined) return;
    this.#places.bring(series);
    idle!.delete(series);
    if (!this.#places.log.publishChange(series)) idle!.set(series, since);
  }

  /** Removes the series of a family that is idle for the longest time. @returns whether there was one */
  makeRoom({ idle }: SeriesFamily): boolean {
    for (const series of idle?.keys() ?? []) {
      this.#remove(series);
      return true;
    }
    return false;
  }
}
