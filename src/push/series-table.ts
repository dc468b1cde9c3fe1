import type { Labels } from '../model/metric-family.js';

/**
 * The series that a leader has sent, each with what its encoding needs again: a series is laid out once. A series that is not
 * in the next sending has vanished, and the receiver gets its end.
 */
export class SeriesTable<Series> {
  readonly #entries = new Map<string, { readonly series: Series; round: number }>();
  #round = 0;

  /** Returns the series, which is part of the present sending from now on. */
  at(name: string, labels: Labels, create: () => Series): Series {
    // the lengths make the key unambiguous, whatever the texts contain
    let key = `${name} `;
    for (const label in labels) key += `${label.length} ${labels[label].length} ${label}${labels[label]}`;
    let entry = this.#entries.get(key);
    if (entry === undefined) this.#entries.set(key, (entry = { series: create(), round: this.#round }));
    entry.round = this.#round;
    return entry.series;
  }

  /** Ends the present sending. Returns the series that are in an earlier one and not in this, and forgets them. */
  takeVanished(): Series[] {
    const vanished: Series[] = [];
    for (const [key, { series, round }] of this.#entries) {
      if (round === this.#round) continue;
      vanished.push(series);
      this.#entries.delete(key);
    }
    this.#round++;
    return vanished;
  }
}
