import type { Backing } from '../../src/metrics-file/backing.js';
import type { SeriesStore } from '../../src/storage/series-store.js';

/** Moves a store to another backing without a pause. */
export function moveAll(store: SeriesStore, backing: Backing): void {
  for (const steps = store.moveInSteps(backing); steps.next().done !== true;);
}
