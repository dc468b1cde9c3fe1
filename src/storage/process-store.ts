/**
 * The one store of this process (or worker thread), made when the first metric needs it, and the one for registries that
 * stay local. Which backing it has is decided by the room it is in; see `open` there.
 */
import { SeriesStore } from './series-store.js';

let shared: SeriesStore | undefined;
let local: SeriesStore | undefined;

/** The store of everything that is shown in merged output. */
export function sharedStore(): SeriesStore {
  return (shared ??= new SeriesStore());
}

/** The store of metrics that no shared registry shows. */
export function localStore(): SeriesStore {
  return (local ??= new SeriesStore());
}
