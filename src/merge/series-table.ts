import { widened } from '../model/widened.js';
import type { MergedFamily } from './merged-family.js';

const FIRST_SERIES = 1024;

/**
 * The properties of the merged series, by their numbers: a column of typed memory each. Lists of numbers and of strings took 150 MB of
 * heap for a million series.
 */
export class SeriesTable {
  /** The first cell of a series. */
  cellOf = new Int32Array(FIRST_SERIES);
  /** Number of files that have it. */
  references = new Int32Array(FIRST_SERIES);
  /** Created time of its oldest part. */
  createdAt = new Float64Array(FIRST_SERIES);
  /** The number of its family. */
  #families = new Int32Array(FIRST_SERIES);
  /** By their numbers. */
  readonly #known: MergedFamily[] = [];
  size = 0;

  familyOf(series: number): MergedFamily {
    return this.#known[this.#families[series]];
  }

  /** Adds a series without references and cells, and returns its number. */
  add(family: MergedFamily): number {
    if (this.size === this.cellOf.length) this.#widen();
    const series = this.size++;
    this.#families[series] = family.number;
    this.#known[family.number] = family;
    family.series.push(series);
    this.cellOf[series] = this.references[series] = this.createdAt[series] = 0;
    return series;
  }

  clear(): void {
    this.size = this.#known.length = 0;
  }

  #widen(): void {
    this.cellOf = widened(this.cellOf);
    this.references = widened(this.references);
    this.#families = widened(this.#families);
    this.createdAt = widened(this.createdAt);
  }
}
