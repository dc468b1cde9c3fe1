import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { changeIdentity, dataFiles } from '../support/cluster-files.js';
import { linesOf, type Member, scrape, startCluster, startMember, written } from '../support/cluster.js';
import { valueOf } from '../support/exposition-parser.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

/** The work of a worker: a total that stays, a live gauge, and one that is kept after the process's death. */
async function work(worker: Member, amount: number): Promise<void> {
  await worker.run(({ prom, kept }, jobs) => {
    kept.jobs = new prom.Counter({ name: 'jobs_total', help: 'Jobs' });
    kept.inflight = new prom.Gauge({ name: 'inflight', help: 'Jobs under way' });
    kept.peak = new prom.Gauge({ name: 'peak', help: 'Most jobs at once', multiprocessMode: 'max' });
    kept.jobs.inc(jobs);
    kept.inflight.set(jobs);
    kept.peak.set(jobs);
  }, amount);
}

async function state(member: Member): Promise<Record<string, number | undefined>> {
  const text = await scrape(member);
  return {
    jobs: valueOf(text, 'jobs_total'),
    inflight: valueOf(text, 'inflight'),
    peak: valueOf(text, 'peak'),
    live: valueOf(text, 'prom_multiproc_processes', { state: 'live' }),
    dead: valueOf(text, 'prom_multiproc_processes', { state: 'dead' }),
  };
}

const BOTH_ALIVE = { jobs: 2500, inflight: 2500, peak: 1500, live: 2, dead: 0 };
const ONE_DEAD = { jobs: 2500, inflight: 1000, peak: 1500, live: 1, dead: 1 };

test('counts of a SIGKILLed worker stay, and the total continues from there', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const worker of workers) await work(worker, 1000);
  const totals = [valueOf(await scrape(primary), 'jobs_total')];
  await workers[0].kill('SIGKILL');
  totals.push(valueOf(await scrape(primary), 'jobs_total'));
  await workers[1].run(({ kept }) => kept.jobs.inc(10));
  totals.push(valueOf(await scrape(primary), 'jobs_total'));
  assert.deepEqual(totals, [2000, 2000, 2010]);
});

/** The ways in which a worker can end itself. */
const ENDINGS: Record<string, { end(worker: Member): Promise<unknown>; how: string }> = {
  SIGKILL: { end: (worker) => worker.kill('SIGKILL'), how: 'SIGKILL' },
  SIGTERM: { end: (worker) => worker.kill('SIGTERM'), how: 'SIGTERM' },
  'process.exit': { end: (worker) => leave(worker, () => process.exit(3)), how: '3' },
  'an uncaught error': {
    end: (worker) =>
      leave(worker, () => {
        setImmediate(() => {
          throw new Error('a bug of the application');
        });
      }),
    how: '1',
  },
  'process.abort': { end: (worker) => leave(worker, () => process.abort()), how: 'SIGABRT' },
  'a clean end': { end: (worker) => leave(worker, ({ require }) => require('node:cluster').worker.kill()), how: '0' },
};

/** Makes a worker end itself. */
async function leave(worker: Member, task: Parameters<Member['run']>[0]): Promise<string> {
  await written();
  worker.run(task).catch(() => {});
  return worker.ended;
}

for (const [name, { end, how }] of Object.entries(ENDINGS)) {
  for (const marked of [true, false]) {
    test(`after ${name} the next scrape is right, ${marked ? 'with' : 'without'} a hook that marks dead processes`, async (t) => {
      const dir = withTempDir(t);
      const primary = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
      if (marked) await primary.run(({ prom }) => prom.setupPrimary());
      const workers = [await primary.fork(), await primary.fork()];
      await work(workers[0], 1500);
      await work(workers[1], 1000);
      assert.deepEqual(await state(workers[1]), BOTH_ALIVE);
      await end(workers[0]);
      assert.equal(await workers[0].ended, how);
      assert.deepEqual(await state(workers[1]), ONE_DEAD);
      assert.deepEqual(await state(primary), ONE_DEAD);
    });
  }
}

test('a live gauge forgets a worker that shut down, and counts its successor', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  await work(workers[0], 5);
  await work(workers[1], 5);
  await workers[0].kill('SIGTERM');
  assert.equal((await state(primary)).inflight, 5);
  await work(await primary.fork(), 5);
  assert.deepEqual(await state(primary), { jobs: 15, inflight: 10, peak: 5, live: 2, dead: 1 });
});

test('a worker whose event loop is blocked is part of the output', async (t) => {
  const dir = withTempDir(t);
  const { primary, workers } = await startCluster(t, dir);
  for (const worker of workers) await work(worker, 1000);
  await scrape(primary);
  const [begun, go] = [join(dir, 'begun'), join(dir, 'go')];
  let blocked = true;
  const block = workers[0]
    .run(
      ({ require }, said, awaited) => {
        const fs = require('node:fs');
        fs.writeFileSync(said, '');
        while (!fs.existsSync(awaited));
      },
      begun,
      go,
    )
    .then(() => (blocked = false));
  await until(() => existsSync(begun));
  const during = await state(primary);
  assert.equal(blocked, true);
  writeFileSync(go, '');
  await block;
  assert.deepEqual(during, { jobs: 2000, inflight: 2000, peak: 1000, live: 2, dead: 0 });
});

test('a worker that is stopped is alive, and is dead once it is killed', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  await work(workers[0], 1500);
  await work(workers[1], 1000);
  await written();
  process.kill(workers[0].pid, 'SIGSTOP');
  assert.deepEqual(await state(primary), BOTH_ALIVE);
  await workers[0].kill('SIGKILL');
  assert.deepEqual(await state(primary), ONE_DEAD);
});

test('workers with and without mapped files are one cluster, and both kinds of readers know which are dead', async (t) => {
  const dir = withTempDir(t);
  const { primary, workers } = await startCluster(t, dir, 1);
  const reader = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir, PROM_MULTIPROC_NO_MMAP: '1' });
  const unmapped = await primary.fork({ PROM_MULTIPROC_NO_MMAP: '1' });
  await work(workers[0], 1500);
  await work(unmapped, 1000);
  // one file is written on a timer
  await until(async () => isDeepStrictEqual(await state(primary), BOTH_ALIVE));
  for (const member of [primary, reader, unmapped]) assert.deepEqual(await state(member), BOTH_ALIVE);
  await workers[0].kill('SIGKILL');
  for (const member of [primary, reader, unmapped]) assert.deepEqual(await state(member), ONE_DEAD);
  await unmapped.kill('SIGKILL');
  for (const member of [primary, reader]) {
    assert.deepEqual(await state(member), { jobs: 2500, inflight: undefined, peak: 1500, live: 0, dead: 2 });
  }
});

test('a new process with the pid of a dead one starts from zero, and both count', async (t) => {
  const dir = withTempDir(t);
  const { primary, workers } = await startCluster(t, dir);
  await work(workers[0], 1500);
  await work(workers[1], 1000);
  await workers[0].kill('SIGKILL');
  // the kernel does this when it has used all pids
  changeIdentity(dir, dataFiles(dir, workers[0].pid)[0], { pid: workers[1].pid, startTime: '1' });
  assert.deepEqual(await state(primary), ONE_DEAD);
  const local = await workers[1].run(({ prom }) => prom.register.metrics({ scope: 'process' }));
  assert.equal(valueOf(local, 'jobs_total'), 1000);
});

test('of two processes with one pid, the living one is shown where a gauge has the label pid, and the clash is counted', async (t) => {
  const dir = withTempDir(t);
  const { primary, workers } = await startCluster(t, dir);
  for (const [at, worker] of workers.entries()) {
    await worker.run(({ prom }, value) => {
      new prom.Gauge({ name: 'heap', help: 'Heap', multiprocessMode: 'all' }).set(value);
    }, at + 1);
  }
  await workers[0].kill('SIGKILL');
  changeIdentity(dir, dataFiles(dir, workers[0].pid)[0], { pid: workers[1].pid, startTime: '1' });
  const text = await scrape(primary);
  assert.deepEqual(linesOf(text, 'heap'), [`heap{pid="${workers[1].pid}"} 2`]);
  assert.equal(valueOf(text, 'prom_multiproc_pid_conflicts'), 1);
});

test('marking a living worker dead is refused, and its later counts are shown', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  await work(workers[0], 1500);
  await work(workers[1], 1000);
  const marked = await primary.run(({ prom }, pid) => prom.markProcessDead(pid), workers[0].pid);
  assert.deepEqual(marked, { pid: workers[0].pid, marked: 0, living: 1, unknown: 0 });
  await workers[0].run(({ kept }) => kept.jobs.inc());
  assert.deepEqual(await state(primary), { ...BOTH_ALIVE, jobs: 2501 });
});

test('marking a worker that has ended finds its file', async (t) => {
  const dir = withTempDir(t);
  const primary = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
  const worker = await primary.fork();
  await work(worker, 1);
  await worker.kill('SIGKILL');
  const marked = await primary.run(({ prom }, pid) => prom.markProcessDead(pid), worker.pid);
  assert.deepEqual(marked, { pid: worker.pid, marked: 1, living: 0, unknown: 0 });
});

test('a whole cluster that restarts in its directory continues from the old totals', async (t) => {
  const dir = withTempDir(t);
  for (const expected of [2500, 5000]) {
    const { primary, workers } = await startCluster(t, dir);
    await work(workers[0], 1500);
    await work(workers[1], 1000);
    assert.equal((await state(primary)).jobs, expected);
    for (const member of [...workers, primary]) await member.kill('SIGKILL');
  }
});
