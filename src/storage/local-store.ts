import { SeriesStore } from './series-store.js';
import { readSettings } from './settings.js';

let local: SeriesStore | undefined;

/** The store of metrics outside merged output. It has no common limit: that would count metrics which no longer exist. */
export function localStore(): SeriesStore {
  local ??= new SeriesStore(undefined, {
    get maxSeriesPerMetric() {
      return readSettings().maxSeriesPerMetric;
    },
    maxSeries: Infinity,
    keepsNothing: true,
  });
  return local;
}
