import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import type { MetricsSource } from './metrics-source.js';

let collector: MultiprocessCollector | undefined;

/** One collector for all handlers that name none: they share collections, and one index. */
export function defaultSource(): MetricsSource {
  return (collector ??= new MultiprocessCollector());
}
