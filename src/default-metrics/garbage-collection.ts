import { constants, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { isUnderTestRunner } from '../test-runner.js';
import type { DefaultMetricMaker } from './default-metric-maker.js';

const BUCKETS = [0.001, 0.01, 0.1, 1, 2, 5];
const KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

interface GarbageCollectionEntry extends PerformanceEntry {
  readonly detail: { readonly kind: number };
}

/**
 * prom-client's histogram of garbage collections. prom-client's own observer counts only the first entry of each batch, and
 * keeps running after the registry was cleared. Under a test runner nothing is observed: an observer would keep each test file's
 * modules in memory.
 */
export function garbageCollection(maker: DefaultMetricMaker): void {
  const { labels, gcDurationBuckets = BUCKETS } = maker;
  const help = 'Garbage collection duration by kind, one of major, minor, incremental or weakcb.';
  const histogram = maker.histogram('nodejs_gc_duration_seconds', help, ['kind'], gcDurationBuckets);
  if (isUnderTestRunner()) return;
  const observer = new PerformanceObserver((list) => {
    if (!maker.shows(histogram)) {
      observer.disconnect();
      return;
    }
    for (const { detail, duration } of list.getEntries() as GarbageCollectionEntry[]) {
      const kind = KINDS.get(detail.kind);
      if (kind !== undefined) histogram.observe({ kind, ...labels }, duration / 1000);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
}
