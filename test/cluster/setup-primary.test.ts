import assert from 'node:assert/strict';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { dataFiles } from '../support/cluster-files.js';
import { type Member, scrape, startCluster, startMember } from '../support/cluster.js';
import { valueOf } from '../support/exposition-parser.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

async function count(member: Member, amount: number): Promise<void> {
  await member.run(({ prom, kept }, jobs) => {
    kept.jobs ??= new prom.Counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['by'] });
    kept.jobs.inc({ by: 'all' }, jobs);
  }, amount);
}

async function total(member: Member): Promise<number | undefined> {
  return valueOf(await scrape(member), 'jobs_total', { by: 'all' });
}

test('a primary that never imports this package has workers that find each other', async (t) => {
  const primary = await startMember(t);
  const workers = [await primary.fork(), await primary.fork()];
  for (const worker of workers) await count(worker, 5);
  for (const worker of workers) assert.equal(await total(worker), 10);
  await workers[0].kill('SIGKILL');
  assert.equal(await total(workers[1]), 10);
  // and when it does, it finds them too
  assert.equal(await total(primary), 10);
  primary.leaves(await primary.run(({ prom }) => prom.setupPrimary().dir));
});

test('a primary that counts, and forks later without setupPrimary, takes its counts along', async (t) => {
  const primary = await startMember(t);
  await count(primary, 7);
  assert.equal(await total(primary), 7);
  const worker = await primary.fork();
  await count(worker, 3);
  assert.equal(await total(primary), 10);
  assert.equal(await total(worker), 10);
  primary.leaves(await primary.run(({ prom }) => prom.setupPrimary().dir));
});

test('setupPrimary makes a private directory and hands it to the workers', async (t) => {
  const primary = await startMember(t);
  const { dir } = await primary.run(({ prom }) => prom.setupPrimary());
  primary.leaves(dir);
  assert.equal(statSync(dir).mode & 0o777, 0o700);
  const worker = await primary.fork();
  assert.equal(await worker.run(() => process.env.PROMETHEUS_MULTIPROC_DIR), undefined);
  await count(worker, 3);
  assert.equal(dataFiles(dir, worker.pid).length, 1);
  assert.equal(await total(primary), 3);
  // a second call changes nothing
  assert.deepEqual(await primary.run(({ prom }) => prom.setupPrimary()), { dir });
});

test('no child but the workers counts in the directory, whether this package derived it or setupPrimary was told', async (t) => {
  for (const dir of [undefined, withTempDir(t)]) {
    const primary = await startMember(t);
    const chosen = await primary.run(({ prom }, at) => prom.setupPrimary({ dir: at }).dir, dir);
    if (dir === undefined) primary.leaves(chosen);
    // what child processes of the primary and of a worker see, and where they count
    const childOf = (member: Member): Promise<string> =>
      member.run(async ({ require: load }) => {
        const program = `const { Counter } = require(${JSON.stringify(load.resolve('prom-multiproc'))}); new Counter({ name: 'child_total', help: 'h' }).inc();
          console.log(process.env.PROMETHEUS_MULTIPROC_DIR)`;
        const { execFileSync } = load('node:child_process');
        return execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' });
      });
    const worker = await primary.fork();
    await count(worker, 3);
    assert.deepEqual([await childOf(primary), await childOf(worker)], ['undefined\n', 'undefined\n']);
    const thread = await worker.thread({ env: {} });
    await count(thread, 2);
    assert.equal(await total(primary), 5);
    assert.equal(valueOf(await scrape(primary), 'child_total'), undefined);
    assert.equal(dataFiles(chosen, worker.pid).length, 2);
  }
});

test('a directory that the user names in the variable is for all children, also after setupPrimary', async (t) => {
  const [one, other] = [withTempDir(t), withTempDir(t)];
  const primary = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: one });
  assert.equal(await primary.run(({ prom }) => prom.setupPrimary().dir), one);
  assert.equal(await primary.run(() => process.env.PROMETHEUS_MULTIPROC_DIR), one);
  await primary.run(({ prom }, dir) => prom.setupPrimary({ dir }), other);
  assert.equal(await primary.run(() => process.env.PROMETHEUS_MULTIPROC_DIR), other);
  const worker = await primary.fork({ PROMETHEUS_MULTIPROC_DIR: one });
  await count(worker, 1);
  assert.deepEqual([dataFiles(one).length, dataFiles(other).length], [1, 0]);
});

test('what a primary counted in memory before setupPrimary moves into the directory', async (t) => {
  const dir = withTempDir(t);
  const primary = await startMember(t);
  await primary.run(({ prom, kept }) => {
    kept.gauge = new prom.Gauge({ name: 'workers_wanted', help: 'Workers', multiprocessMode: 'max' });
    kept.gauge.set(4);
    new prom.Gauge({ name: 'never_set', help: 'x', multiprocessMode: 'min' });
    kept.histogram = new prom.Histogram({
      name: 'start_seconds',
      help: 'Starts',
      buckets: [1, 2],
      labelNames: ['what'],
    });
    kept.child = kept.histogram.labels('config');
    kept.child.observe(1.5);
    kept.summary = new prom.Summary({ name: 'wait', help: 'Waits', percentiles: [0.5] });
    for (let wait = 0; wait < 100; wait++) kept.summary.observe(10);
  });
  await count(primary, 7);
  assert.equal(await total(primary), 7);
  assert.deepEqual(readdirSync(dir), []);
  await primary.run(({ prom }, at) => prom.setupPrimary({ dir: at }), dir);
  await primary.run(({ kept }) => kept.child.observe(0.5));
  const worker = await primary.fork();
  await count(worker, 3);
  await worker.run(({ prom }) => new prom.Gauge({ name: 'never_set', help: 'x', multiprocessMode: 'min' }).set(9));
  for (const member of [primary, worker]) {
    const text = await scrape(member);
    assert.equal(valueOf(text, 'jobs_total', { by: 'all' }), 10);
    assert.equal(valueOf(text, 'workers_wanted'), 4);
    assert.equal(valueOf(text, 'never_set'), 9);
    assert.equal(valueOf(text, 'start_seconds_bucket', { what: 'config', le: '1' }), 1);
    assert.equal(valueOf(text, 'start_seconds_sum', { what: 'config' }), 2);
    assert.equal(valueOf(text, 'wait_count'), 100);
    assert.ok(Math.abs(valueOf(text, 'wait', { quantile: '0.5' })! - 10) <= 0.1);
  }
  assert.equal(dataFiles(dir).length, 2);
});

test('clean forgets what former processes counted, and is refused while one of them lives', async (t) => {
  const dir = withTempDir(t);
  const first = await startCluster(t, dir, 1);
  await count(first.workers[0], 5);
  const second = await startMember(t);
  const clean = ({ prom }: { prom: typeof import('prom-multiproc') }, at: string) =>
    prom.setupPrimary({ dir: at, clean: true });
  await assert.rejects(second.run(clean, dir), /is in use/);
  await first.workers[0].kill('SIGKILL');
  await first.primary.kill('SIGKILL');
  await second.run(clean, dir);
  const worker = await second.fork();
  await count(worker, 1);
  assert.equal(await total(second), 1);
});

test('its options hold for the workers', async (t) => {
  const dir = join(withTempDir(t), 'metrics');
  const primary = await startMember(t);
  await primary.run(
    ({ prom }, at) => prom.setupPrimary({ dir: at, dirMode: 0o750, fileMode: 0o640, maxSeriesPerMetric: 2 }),
    dir,
  );
  const worker = await primary.fork();
  await worker.run(({ prom }) => {
    const counter = new prom.Counter({ name: 'parts_total', help: 'Parts', labelNames: ['part'] });
    for (const part of ['a', 'b', 'c', 'd', 'c']) counter.inc({ part });
  });
  const text = await scrape(primary);
  assert.equal(valueOf(text, 'parts_total', { part: 'b' }), 1);
  assert.equal(valueOf(text, 'parts_total', { part: 'c' }), undefined);
  assert.equal(
    valueOf(text, 'prom_multiproc_dropped_samples_total', { metric: 'parts_total', reason: 'max_series' }),
    3,
  );
  assert.equal(statSync(dir).mode & 0o777, 0o750);
  assert.equal(statSync(dataFiles(dir, worker.pid)[0]).mode & 0o777, 0o640);
});

test('a relative directory is that of the primary, wherever the workers work', async (t) => {
  const home = withTempDir(t);
  const primary = await startMember(t);
  const { dir } = await primary.run(({ prom }, cwd) => {
    process.chdir(cwd);
    return prom.setupPrimary({ dir: 'metrics' });
  }, home);
  assert.equal(dir, join(home, 'metrics'));
  await primary.run(() => process.chdir('/'));
  const worker = await primary.fork();
  await count(worker, 3);
  assert.equal(await total(primary), 3);
  assert.equal(dataFiles(dir, worker.pid).length, 1);
});

test('a directory that is no path is an error', async (t) => {
  const primary = await startMember(t);
  for (const dir of ['', 5]) {
    await assert.rejects(
      () => primary.run(({ prom }, wrong) => prom.setupPrimary({ dir: wrong as string }), dir),
      /is no path/,
    );
  }
});

test('a number that is none is an error, before anything is made of it', async (t) => {
  const primary = await startMember(t);
  for (const options of [{ maxSeries: 1.5 }, { maxBytes: NaN }, { dirMode: '0750' }, { maxSeriesPerMetric: -1 }]) {
    const wrong = primary.run(({ prom }, given) => prom.setupPrimary(given as object), options);
    await assert.rejects(wrong, /is not a whole number of 0 or more/);
  }
  assert.equal(await primary.run(() => process.env.PROMETHEUS_MULTIPROC_DIR), undefined);
});

test('in a worker it is an error that says what to do', async (t) => {
  const { workers } = await startCluster(t, withTempDir(t), 1);
  await assert.rejects(
    workers[0].run(({ prom }) => prom.setupPrimary()),
    /setupPrimary is for the primary: call it where you fork/,
  );
});

test('a directory that cannot be made leaves the application alone: it counts in memory and says so', async (t) => {
  const primary = await startMember(t);
  await primary.run(({ prom }) => prom.setupPrimary({ dir: '/etc/passwd/metrics' }));
  const worker = await primary.fork();
  await count(worker, 2);
  assert.match(primary.output, /cannot be used/);
  assert.match(primary.output, /metrics are counted in memory/);
  const own = await worker.look(({ prom }) => prom.register.metrics({ scope: 'process' }));
  assert.equal(valueOf(own, 'jobs_total', { by: 'all' }), 2);
});

test('a metrics directory that is deleted under a running cluster is made anew, with all counts', async (t) => {
  const dir = join(withTempDir(t), 'metrics');
  const { primary, workers } = await startCluster(t, dir);
  for (const worker of workers) await count(worker, 5);
  assert.equal(await total(primary), 10);
  rmSync(dir, { recursive: true });
  // what the slow heartbeat of each does every 5 seconds; a file is there a moment before its counts are
  await until(async () => existsSync(dir) && dataFiles(dir).length === workers.length && (await total(primary)) === 10);
  for (const worker of workers) await count(worker, 1);
  assert.equal(await total(primary), 12);
});
