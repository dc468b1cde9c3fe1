import type { MergedFamily } from './merged-family.js';

/** How the gauges of a process count. */
export type ProcessState = 'live' | 'dead' | 'expired';

/** The part of one file of the directory in the merge, whatever program has written the file. */
export interface MergedPart {
  /**
   * Position in the order of files: the archive first, then the oldest file. -1: not assigned yet; a bad file never gets
   * one.
   */
  order: number;
  /** Whether its process lives; when that changes, its gauges are read again. */
  set state(state: ProcessState);
  /** Whether the next reading starts from the beginning. */
  readonly isRewound: boolean;
  /** Series in the file, shown or not. */
  readonly seriesCount: number;
  /** Makes the next reading start from the beginning. */
  rewind(): void;
  /** The file was removed: removes its series, unless another file has them. */
  remove(): void;
  /** Tells the index again which families the file declares; families are sorted by that. */
  declareOrder(): void;
  /** Tells the index again the created times of the series in the file. */
  declareCreated(): void;
  /** Adds the values of the last reading to the cells of the index. */
  addValues(nowSeconds: number): void;
  /** Names of families with series that `addValues` left out, because one of their values was not a finite number. */
  unusableFamilies(): string[];
  /** The values of a counter or a gauge in this file alone, from the last reading. */
  ownValues(family: MergedFamily): Iterable<readonly [series: number, value: number]>;
  /** The counts of a counter, or the numbers of observations of a histogram or summary, in this file alone. */
  ownCounts(family: MergedFamily): Iterable<readonly [series: number, count: number]>;
}
