import assert from 'node:assert/strict';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { test } from 'node:test';
import { dataFiles } from '../support/cluster-files.js';
import { BEHIND_MS, type Member, scrape, startCluster, startMember, written } from '../support/cluster.js';
import { valueOf } from '../support/exposition-parser.js';
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

async function count(member: Member, amount: number): Promise<void> {
  await member.run(({ prom, kept }, jobs) => {
    kept.jobs ??= new prom.Counter({ name: 'jobs_total', help: 'Jobs' });
    kept.inflight ??= new prom.Gauge({ name: 'inflight', help: 'Jobs under way' });
    kept.jobs.inc(jobs);
    kept.inflight.inc(jobs);
  }, amount);
}

async function totals(member: Member): Promise<(number | undefined)[]> {
  const text = await scrape(member);
  return [valueOf(text, 'jobs_total'), valueOf(text, 'inflight')];
}

test('threads of cluster workers have a file each, with any environment', async (t) => {
  const dir = withTempDir(t);
  const { primary, workers } = await startCluster(t, dir);
  await count(workers[0], 1);
  await workers[1].run(({ prom }) => void prom);
  const threads = [
    await workers[0].thread(),
    await workers[0].thread({ env: {} }),
    await workers[1].thread({ env: {} }),
    await workers[1].thread({ env: { APP: 'shop' } }),
  ];
  for (const [at, thread] of threads.entries()) await count(thread, 10 ** (at + 1));
  for (const member of [primary, ...workers, ...threads]) assert.deepEqual(await totals(member), [11111, 11111]);
  assert.equal(dataFiles(dir, workers[0].pid).length, 3);
  assert.equal(dataFiles(dir, workers[1].pid).length, 2, 'its main thread counts nothing');
});

test('threads with an empty environment find the directory that their cluster has derived', async (t) => {
  const primary = await startMember(t);
  const worker = await primary.fork();
  const thread = await worker.thread({ env: {} });
  await count(thread, 10);
  await count(worker, 1);
  const dir = await worker.run(() => process.env.PROMETHEUS_MULTIPROC_DIR);
  assert.equal(dir, undefined);
  // a thread that was started before its process loaded the package writes its file on a timer
  for (const member of [primary, worker, thread]) {
    await until(async () => isDeepStrictEqual(await totals(member), [11, 11]));
  }
  primary.leaves(await primary.run(({ prom }) => prom.setupPrimary().dir));
});

test('after terminate() the gauges of a thread disappear, its counts stay, and the process continues', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t), 1);
  await count(workers[0], 1);
  const threads = [await workers[0].thread(), await workers[0].thread()];
  await count(threads[0], 10);
  await count(threads[1], 100);
  assert.deepEqual(await totals(primary), [111, 111]);
  await threads[0].terminate();
  assert.deepEqual(await totals(primary), [111, 101]);
  await threads[1].run(() => {
    setImmediate(() => process.exit(0));
  });
  await threads[1].ended;
  assert.deepEqual(await totals(primary), [111, 1]);
  await count(workers[0], 1);
  await count(await workers[0].thread(), 10);
  assert.deepEqual(await totals(primary), [122, 12]);
  await workers[0].kill('SIGKILL');
  assert.deepEqual(await totals(primary), [122, undefined]);
});

test('an uncaught error in a thread ends its gauges only', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t), 1);
  const thread = await workers[0].thread();
  await count(thread, 10);
  await count(workers[0], 1);
  await written();
  await thread.run(() => {
    setImmediate(() => {
      throw new Error('a bug of the application');
    });
  });
  assert.equal(await thread.ended, '1');
  assert.deepEqual(await totals(primary), [11, 1]);
});

test('a single process counts in memory; when it starts a thread, its counts move to the directory', async (t) => {
  const member = await startMember(t);
  await count(member, 5);
  const inMemory = await member.look(async ({ prom }) => prom.register.metrics());
  assert.equal(valueOf(inMemory, 'jobs_total'), 5);
  assert.equal(valueOf(inMemory, 'prom_multiproc_series'), undefined);
  const thread = await member.thread({ env: {} });
  await count(thread, 2);
  assert.deepEqual(await totals(member), [7, 7]);
  await count(member, 10);
  assert.deepEqual(await totals(thread), [17, 17]);
  await thread.terminate();
  assert.deepEqual(await totals(member), [17, 15]);
  member.leaves(await member.run(({ prom }) => prom.setupPrimary().dir));
});

// An idle thread of piscina waits in Atomics, where no timer runs, and a recycled one runs no exit hook: a file that is
// written on a timer has the counts of a task once the task has lasted one interval longer.
for (const [knows, lastsMs] of [
  ['knows the package', BEHIND_MS],
  ['does not know the package', 450],
] as const) {
  test(`an application's own piscina pool is counted, through recycled, idle and terminated threads, where the main thread ${knows}`, async (t) => {
    const { primary, workers } = await startCluster(t, withTempDir(t), 1);
    if (knows === 'knows the package') await workers[0].run(({ prom }) => void prom);
    const task = join(__dirname, 'programs/pool-task.js');
    await workers[0].run(
      async ({ kept, require }, filename, options) => {
        const { Piscina } = require('piscina');
        kept.pool = new Piscina({ filename, ...options });
        for (let round = 0; round < 3; round++) {
          await Promise.all([1, 2, 3].map((amount) => kept.pool.run(amount)));
        }
        // a pool whose threads end as soon as they are idle
        kept.recycling = new Piscina({ filename, minThreads: 0, maxThreads: 2, idleTimeout: 1000, ...options });
        await Promise.all([1, 2, 3].map((amount) => kept.recycling.run(amount)));
      },
      task,
      { workerData: { lastsMs } },
    );
    const pooled = (text: string) => valueOf(text, 'pooled_total');
    assert.equal(pooled(await scrape(primary)), 24);
    await workers[0].run(({ kept }) => kept.pool.run(100));
    await delay(lastsMs);
    await workers[0].run(({ kept }) => Promise.all([kept.pool.destroy(), kept.recycling.destroy()]));
    const text = await scrape(primary);
    assert.equal(pooled(text), 124);
    assert.equal(valueOf(text, 'pooled_inflight'), undefined);
    assert.equal(pooled(await scrape(workers[0])), 124);
  });
}
