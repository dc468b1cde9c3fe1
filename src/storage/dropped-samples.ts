import type { FamilyDeclaration } from '../model/family-declaration.js';

/** Stored with the other counts of a process, so that it outlives the process as they do. */
export const DROPPED_SAMPLES: FamilyDeclaration = {
  name: 'prom_multiproc_dropped_samples_total',
  help: 'Samples that were dropped, by metric and reason: of a new series beyond maxSeries, or a value that cannot be added.',
  type: 'counter',
  labelNames: ['metric', 'reason'],
};

export type DropReason = 'max_series' | 'value';
