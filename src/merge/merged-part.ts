import type { MergedFamily } from './merged-family.js';

/** How a process's gauges count. */
export type ProcessState = 'live' | 'dead' | 'expired';

/** What one file of the directory adds to the merge, whatever program writes it. */
export interface MergedPart {
  /** Place in the order of files: the archive, then oldest first. -1: not given yet; a file that is bad never has one. */
  order: number;
  /** Whether its process lives; its gauges are taken in again where that has changed. */
  state: ProcessState;
  /** Whether it waits to be taken in again. */
  readonly isRewound: boolean;
  /** Series in the file, shown or not. */
  readonly seriesCount: number;
  /** Everything is taken in again by the next reading. */
  rewind(): void;
  /** The file is gone: so are its series, if no other has them. */
  remove(): void;
  /** Tells the index again which families the file declares, for the order of families. */
  declareOrder(): void;
  /** Tells the index again when the series in the file were made. */
  declareCreated(): void;
  /** Adds the values that were read last to the index's cells. */
  addValues(nowSeconds: number): void;
  /** Names of the families of series that `addValues` left out, as a value of theirs was not a finite number. */
  unusableFamilies(): string[];
  /** The values of a counter or a gauge in this file alone, as they were read last. */
  ownValues(family: MergedFamily): Iterable<readonly [series: number, value: number]>;
}
