/** Merges the directory in argv in a thread, folds it, and exits in the middle, after the given milliseconds. */
import { MultiprocessCollector } from '../../../src/collector/multiprocess-collector.js';

const [dir, afterMs] = process.argv.slice(2);

async function main(): Promise<void> {
  const collector = new MultiprocessCollector({ dir, threads: true, selfMetrics: false, fold: false });
  await collector.families();
  setTimeout(() => process.exit(0), Number(afterMs));
  for (;;) await Promise.all([collector.metrics(), collector.fold()]);
}

void main();
