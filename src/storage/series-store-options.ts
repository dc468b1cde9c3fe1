import { warnOnce } from '../warn-once.js';
import type { SeriesFamily } from './series.js';

export const DEFAULT_MAX_SERIES = 500_000;

export interface SeriesStoreOptions {
  /** Maximum number of series of one metric. Default 100,000. */
  readonly maxSeriesPerMetric?: number;
  /** Maximum number of series of the process. Default 500,000. */
  readonly maxSeries?: number;
  /**
   * For metrics that are not in merged output: the store keeps none of them alive, so that each is freed when its program
   * drops it. Its slots then stay unused, in blocks that are small and are freed with the last of their metrics.
   */
  readonly keepsNothing?: boolean;
  /** Called once for each metric that has reached its limit. */
  readonly onFull?: (family: SeriesFamily, limit: number) => void;
  /** Called when the file has no room, and again when that happens after there was room. */
  readonly onNoRoom?: () => void;
}

/** For `onFull`. */
export function warnOfFull({ declaration: { name } }: SeriesFamily, limit: number): void {
  warnOnce(
    `full ${name}`,
    `${name} has reached ${limit} series; samples of further ones are dropped and counted in prom_multiproc_dropped_samples_total`,
  );
}
