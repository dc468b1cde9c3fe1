/** Which directories a collector merges on the main thread, and which in a thread of its own. */
import assert from 'node:assert/strict';
import fs, { rmSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { MultiprocessCollector, type MultiprocessCollectorOptions } from 'prom-multiproc';
import { afterTest } from '../support/after-test.js';
import { DeadProcess } from '../support/dead-process.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

const JOBS = 'jobs_total';

function collectorOf(t: TestContext, dir: string, options: MultiprocessCollectorOptions = {}): MultiprocessCollector {
  const collector = new MultiprocessCollector({ dir, fold: false, ...options });
  afterTest(t, () => collector.close());
  return collector;
}

/** The threads that this process starts during the test, and that have not ended. */
function runningThreads(t: TestContext): Set<Worker> {
  const running = new Set<Worker>();
  const onWorker = (thread: Worker): void => {
    running.add(thread);
    thread.once('exit', () => running.delete(thread));
  };
  process.on('worker', onWorker);
  t.after(() => process.off('worker', onWorker));
  return running;
}

async function jobsIn(collector: MultiprocessCollector): Promise<number> {
  const family = (await collector.families()).find(({ name }) => name === JOBS);
  return family!.samples.reduce((sum, { value }) => sum + value, 0);
}

function largeFile(dir: string): DeadProcess {
  const process = new DeadProcess(dir);
  for (let kind = 0; kind < 15_000; kind++) process.count(JOBS, { kind: `${kind}`.padStart(64, '-') }, 1);
  return process.show();
}

test('small files are merged on the main thread, also where there are many of them', async (t) => {
  const dir = withTempDir(t);
  const running = runningThreads(t);
  // together they are larger than a directory that needs a thread
  for (let at = 0; at < 100; at++) new DeadProcess(dir).count(JOBS, { kind: 'small' }, 1).show();
  assert.equal(await jobsIn(collectorOf(t, dir)), 100);
  assert.equal(running.size, 0);
});

test('a thread that merges large files ends when the files have been small for a while', async (t) => {
  const dir = withTempDir(t);
  const running = runningThreads(t);
  new DeadProcess(dir).count(JOBS, { kind: 'small' }, 1).show();
  const large = largeFile(dir);
  const collector = collectorOf(t, dir, { idleMs: 1000 });
  assert.equal(await jobsIn(collector), 15_001);
  assert.equal(running.size, 1);
  rmSync(large.path);
  // it is scraped all the time: the thread is not idle
  await until(async () => {
    assert.equal(await jobsIn(collector), 1);
    return running.size === 0;
  });
  assert.equal(await jobsIn(collector), 1);
  assert.equal(running.size, 0);
  largeFile(dir);
  assert.equal(await jobsIn(collector), 15_001);
});

for (const threads of ['auto', true] as const) {
  test(`with threads ${threads}, the directory is listed in steps: there may be 100,000 names of other programs`, async (t) => {
    const dir = withTempDir(t);
    new DeadProcess(dir).count(JOBS, { kind: 'small' }, 1).show();
    const collector = collectorOf(t, dir, { threads });
    const listed = t.mock.method(fs, 'readdirSync');
    assert.equal(await jobsIn(collector), 1);
    assert.deepEqual(
      listed.mock.calls.filter(({ arguments: [path] }) => path === dir),
      [],
    );
  });
}
