/** An application whose directory is chosen by a source that only this test has, and a thread of it. */
import { isMainThread, Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { Counter, MultiprocessCollector } from 'prom-multiproc';
import { chooseOwn, type DirectorySource, SOURCES } from '../../../src/directory/choose.js';

const rack = 'rack' as DirectorySource;
(SOURCES as Map<DirectorySource, unknown>).set(rack, { find: (env: NodeJS.ProcessEnv) => env.RACK });

new Counter({ name: 'jobs_total', help: 'Jobs.' }).inc();

async function main(): Promise<void> {
  await once(new Worker(__filename), 'exit');
  const collector = new MultiprocessCollector({ threads: false, fold: false, selfMetrics: false });
  const [jobs] = await collector.families();
  const { source, dir } = chooseOwn()!;
  await collector.close();
  process.send!({ source, dir, value: jobs.samples[0].value });
}

if (isMainThread) void main();
