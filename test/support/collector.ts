import type { TestContext } from 'node:test';
import {
  MultiprocessCollector,
  type MultiprocessCollectorOptions,
} from '../../src/collector/multiprocess-collector.js';
import { afterTest } from './after-test.js';

/** Returns a collector of a directory that is closed after the test. */
export function collectorOf(
  t: TestContext,
  dir: string,
  options: MultiprocessCollectorOptions = {},
): MultiprocessCollector {
  const collector = new MultiprocessCollector({ dir, ...options });
  afterTest(t, () => collector.close());
  return collector;
}
