import type { FamilyDeclaration } from '../model/family-declaration.js';
import { warnOnce } from '../warn-once.js';

export const DEFAULT_MAX_SERIES = 500_000;
export const DEFAULT_MAX_SERIES_PER_METRIC = 100_000;

/** Stored with the other counts of a process, so that it outlives the process as they do. */
export const DROPPED_SAMPLES: FamilyDeclaration = {
  name: 'prom_multiproc_dropped_samples_total',
  help: 'Samples that were dropped, by metric and reason: of a new series beyond maxSeries, or a value that cannot be added.',
  type: 'counter',
  labelNames: ['metric', 'reason'],
};

export type DropReason = 'max_series' | 'value';

export function warnOfFull(name: string, limit: number): void {
  warnOnce(
    `full ${name}`,
    `${name} has reached ${limit} series; samples of further ones are dropped and counted in prom_multiproc_dropped_samples_total`,
  );
}
