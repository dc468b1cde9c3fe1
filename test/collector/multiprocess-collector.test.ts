import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { mock, test, type TestContext } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { MultiprocessCollector } from 'prom-multiproc';
import { DirectoryCollection } from '../../src/collector/collection.js';
import { currentIdentity } from '../../src/directory/identity.js';
import { afterTest } from '../support/after-test.js';
import { assertSound, type Member, startCluster, startMember, written } from '../support/cluster.js';
import { collectorOf } from '../support/collector.js';
import { DeadProcess } from '../support/dead-process.js';
import { valueOf } from '../support/exposition-parser.js';
import { until } from '../support/program.js';
import { needs } from '../support/needs.js';
import { withTempDir } from '../support/temp-dir.js';

async function textOf(collector: MultiprocessCollector): Promise<string> {
  await written();
  const text = Buffer.from((await collector.metrics()).body).toString();
  assertSound(text);
  return text;
}

/**
 * 1,000 series with long label values: at least 70 bytes of log for each, and 8 bytes of value.
 */
async function fill(member: Member): Promise<void> {
  await member.run(({ prom, kept }) => {
    kept.parts = new prom.Counter({ name: 'parts_total', help: 'Parts', labelNames: ['part'] });
    for (let part = 0; part < 1000; part++) kept.parts.inc({ part: `${part}`.padStart(64, '-') }, part);
    kept.sizes = new prom.Histogram({ name: 'size', help: 'Sizes', labelNames: ['part'], buckets: [1, 10] });
    for (let part = 0; part < 10; part++) kept.sizes.observe({ part }, part);
    kept.waits = new prom.Summary({ name: 'wait', help: 'Waits', labelNames: ['part'] });
    for (let part = 0; part < 10; part++) kept.waits.observe({ part: part % 2 }, part);
    new prom.Gauge({ name: 'load', help: 'Load', multiprocessMode: 'all' }).set(0.5);
  });
}

/** Counts calls of a function of node:fs, which compiled code looks up at each call. */
function spy(t: TestContext, name: 'readSync' | 'readdirSync' | 'openSync'): { calls(): number; bytes(): number } {
  const spied = mock.method(fs, name);
  t.after(() => spied.mock.restore());
  return {
    calls: () => spied.mock.callCount(),
    bytes() {
      const bytes = spied.mock.calls.reduce(
        (sum, { arguments: given }) => sum + ((given[1] as Uint8Array).length ?? 0),
        0,
      );
      spied.mock.resetCalls();
      return bytes;
    },
  };
}

test('calls of one turn share one collection, and a later call sees all counts from before it', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 1);
  const collector = collectorOf(t, dir, { threads: false });
  await fill(workers[0]);
  const listings = spy(t, 'readdirSync');
  await textOf(collector);
  await textOf(collector);
  const before = listings.calls();
  await textOf(collector);
  const perCollection = listings.calls() - before;
  const together = [
    collector.metrics(),
    collector.metrics({ format: 'openmetrics' }),
    collector.families(),
    collector.processes(),
    collector.metrics(),
  ] as const;
  const [text, , families, processes] = await Promise.all(together);
  assert.equal(listings.calls() - before, 2 * perCollection);
  assert.equal(families[0].name, 'parts_total');
  assert.equal(processes.length, 1);
  assert.match(Buffer.from(text.body).toString(), /^# HELP parts_total/);

  // a call during a collection may come after counts that the collection misses: it gets the next one
  const first = collector.metrics();
  const rounds = [];
  for (let round = 1; round <= 3; round++) {
    await workers[0].run(({ kept }) => kept.parts.inc({ part: 'late' }));
    await written();
    rounds.push(
      collector.metrics().then(({ body }) => valueOf(Buffer.from(body).toString(), 'parts_total', { part: 'late' })),
    );
  }
  await first;
  for (const [at, value] of (await Promise.all(rounds)).entries()) assert.ok(value! > at, `${value} after ${at + 1}`);
});

test('a second scrape reads values and no keys; a new series costs its own record', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 1);
  await fill(workers[0]);
  const collector = collectorOf(t, dir, { threads: false });
  const reads = spy(t, 'readSync');
  const first = await textOf(collector);
  const cold = reads.bytes();
  await workers[0].run(({ kept }) => kept.parts.inc({ part: '7'.padStart(64, '-') }));
  assert.notEqual(await textOf(collector), first);
  const warm = reads.bytes();
  await workers[0].run(({ kept }) => kept.parts.inc({ part: 'x'.repeat(64) }));
  assert.equal(valueOf(await textOf(collector), 'parts_total', { part: 'x'.repeat(64) }), 1);
  const news = reads.bytes() - warm;
  assert.ok(cold > warm + 70_000, `${cold} bytes cold, ${warm} warm`);
  assert.ok(news >= 70 && news < 1000, `${news} bytes for a series`);
});

test('a thread returns the same bytes as merging inline', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 3);
  for (const worker of workers) await fill(worker);
  await workers[2].kill('SIGKILL');
  const [inline, threaded] = [false, true].map((threads) =>
    collectorOf(t, dir, { threads, selfMetrics: false, created: true }),
  );
  await written();
  for (let round = 0; round < 2; round++) {
    for (const format of ['text', 'openmetrics'] as const) {
      const [one, other] = [await inline.metrics({ format }), await threaded.metrics({ format })];
      assert.equal(one.contentType, other.contentType);
      assert.equal(Buffer.compare(one.body, other.body), 0);
      assertSound(Buffer.from(one.body).toString());
    }
    assert.equal(JSON.stringify(await threaded.families()), JSON.stringify(await inline.families()));
    const [here, there] = [await inline.processes(), await threaded.processes()];
    assert.deepEqual(
      there.map(({ pid, state, series }) => [pid, state, series]),
      here.map(({ pid, state, series }) => [pid, state, series]),
    );
    await workers[0].run(({ kept }) => kept.parts.inc({ part: 'more' }));
    await written();
  }
});

test('a directory that grows is merged in a thread from a certain size on, with no gap in the totals', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir);
  const collector = collectorOf(t, dir);
  for (const worker of workers) await fill(worker);
  const totals = [];
  for (let round = 1; round <= 4; round++) {
    totals.push(valueOf(await textOf(collector), 'many_total', { series: '1' }) ?? 0);
    await workers[0].run(({ prom, kept }) => {
      kept.many ??= new prom.Counter({ name: 'many_total', help: 'Many', labelNames: ['series'] });
      for (let series = 0; series < 12_000; series++) kept.many.inc({ series });
    });
  }
  assert.deepEqual(totals, [0, 1, 2, 3]);
});

test('where the thread has no file of its own, as in a bundled application, merging stays inline and logs that once', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 1);
  await fill(workers[0]);
  const exists = fs.existsSync;
  const hidden = mock.method(
    fs,
    'existsSync',
    (path: fs.PathLike) => !/collection-thread/.test(String(path)) && exists(path),
  );
  const warned = mock.method(console, 'warn', () => {});
  t.after(() => mock.restoreAll());
  const collector = collectorOf(t, dir, { threads: true });
  for (let round = 0; round < 3; round++) {
    assert.equal(valueOf(await textOf(collector), 'size_count', { part: '3' }), 1);
  }
  assert.ok(hidden.mock.callCount() > 0);
  const warnings = warned.mock.calls.filter(({ arguments: [text] }) => /merged on the main thread/.test(String(text)));
  assert.equal(warnings.length, 1);
});

test('when a thread dies the main thread does the scrape, and a thread is tried again later', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 1);
  await fill(workers[0]);
  const warned = mock.method(console, 'warn', () => {});
  const started: Worker[] = [];
  const onWorker = (worker: Worker): void => {
    started.push(worker);
    if (started.length === 1) worker.once('online', () => void worker.terminate());
  };
  process.on('worker', onWorker);
  t.after(() => {
    process.off('worker', onWorker);
    mock.restoreAll();
  });
  const collector = collectorOf(t, dir, { threads: true, idleMs: 500, fold: false });
  await until(async () => {
    assert.equal(valueOf(await textOf(collector), 'size_count', { part: '3' }), 1);
    return started.length === 2;
  });
  const warnings = warned.mock.calls.filter(({ arguments: [text] }) => /merged on the main thread/.test(String(text)));
  assert.equal(warnings.length, 1);
  assert.equal(valueOf(await textOf(collector), 'size_count', { part: '3' }), 1);
});

test('the oldest heartbeat is that of a main thread, because an idle pool thread has none', async (t) => {
  const dir = withTempDir(t);
  const now = Date.now();
  for (const [threadId, age] of [
    [0, 20],
    [1, 50],
  ]) {
    const clock = mock.method(Date, 'now', () => now - age * 1000);
    // without native code a thread lives as long as the system has it: the main thread stands for each
    const osThread = threadId === 0 ? '' : `${process.pid}:${currentIdentity('heartbeat').startTime}`;
    const identity = { pid: process.pid, threadId, osThread };
    const member = new DeadProcess(dir, { identity }).count('jobs_total', {}, 1).show();
    clock.mock.restore();
    afterTest(t, () => void member.die());
  }
  const text = await textOf(collectorOf(t, dir, { threads: false, fold: false }));
  assert.equal(valueOf(text, 'prom_multiproc_processes', { state: 'live' }), 2);
  assert.equal(Math.floor(valueOf(text, 'prom_multiproc_heartbeat_age_seconds')! / 10), 2);
});

test('a directory that does not exist yet has no processes, and is found when it appears', async (t) => {
  const dir = join(withTempDir(t), 'later');
  const collector = collectorOf(t, dir);
  const text = await textOf(collector);
  assert.equal(valueOf(text, 'prom_multiproc_processes', { state: 'live' }), 0);
  assert.deepEqual(await collector.processes(), []);
  const { workers } = await startCluster(t, dir, 1);
  await fill(workers[0]);
  assert.equal(valueOf(await textOf(collector), 'size_count', { part: '3' }), 1);
});

test('processes() lists the processes that count there', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir);
  for (const worker of workers) await fill(worker);
  const thread = await workers[0].thread();
  await fill(thread);
  await workers[1].kill('SIGKILL');
  const processes = await collectorOf(t, dir).processes();
  assert.deepEqual(
    processes
      .map(({ pid, thread: number, state, series }) => ({ pid, number, state, series }))
      .toSorted((a, b) => (a.state === b.state ? a.number - b.number : a.state < b.state ? -1 : 1)),
    [
      { pid: workers[1].pid, number: 0, state: 'dead', series: 1013 },
      { pid: workers[0].pid, number: 0, state: 'live', series: 1013 },
      { pid: workers[0].pid, number: 1, state: 'live', series: 1013 },
    ],
  );
  for (const { startedAt, lastBeatAt, sizeBytes, file } of processes) {
    assert.ok(startedAt > Date.now() / 1000 - 600 && lastBeatAt! >= startedAt - 1);
    assert.ok(sizeBytes > 70_000);
    assert.match(file, /^\d+-\d-[0-9a-f]{16}\.prom-mp$/);
  }
});

test('a reader under another uid without write permission returns the same', needs('other users'), async (t) => {
  const dir = join(withTempDir(t), 'metrics');
  const primary = await startMember(t);
  await primary.run(({ prom }, at) => prom.setupPrimary({ dir: at, dirMode: 0o755, fileMode: 0o644 }), dir);
  const worker = await primary.fork();
  await fill(worker);
  await worker.kill('SIGKILL');
  fs.chmodSync(join(dir, '..'), 0o755);
  fs.chmodSync(dir, 0o555);
  const script = `
    if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }
    const { MultiprocessCollector } = require(${JSON.stringify(join(__dirname, '../../src/root.js'))});
    new MultiprocessCollector({ dir: ${JSON.stringify(dir)}, selfMetrics: false }).metrics().then(({ body }) => process.stdout.write(body));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  fs.chmodSync(dir, 0o755);
  assert.equal(stderr, '');
  assert.equal(stdout, await textOf(collectorOf(t, dir, { selfMetrics: false })));
});

/** Metrics files that this process and its threads hold open. */
function openFiles(): number {
  return fs
    .readdirSync('/proc/self/fd')
    .map((fd) => linkTarget(`/proc/self/fd/${fd}`))
    .filter((target) => target.endsWith('.prom-mp')).length;
}

test('an unused index is dropped, and built again by the next scrape', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 1);
  await fill(workers[0]);
  for (const threads of [true, false]) {
    const collector = collectorOf(t, dir, { threads, idleMs: 50, selfMetrics: false });
    const before = await textOf(collector);
    const reads = spy(t, 'readSync');
    // the files are closed together with the index, on any thread
    await until(() => openFiles() === 0);
    assert.equal(await textOf(collector), before);
    if (!threads) assert.ok(reads.bytes() > 70_000, 'the keys were read again');
  }
});

test('files are kept open up to a limit, and closed with the collector', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 1);
  await workers[0].run(({ prom }) => void prom);
  for (let thread = 0; thread < 6; thread++) await fill(await workers[0].thread());
  await written();
  const options = { dir, deadRetentionSeconds: 60, maxOpenFiles: 2 };
  const collection = new DirectoryCollection(options);
  for (let round = 0; round < 2; round++) {
    // and the one that is being read
    for (const steps = collection.collect(); steps.next().done !== true;) assert.ok(openFiles() <= 2 + 1);
    assert.equal(openFiles(), 2);
  }
  collection.close();
  assert.equal(openFiles(), 0);
  const collector = collectorOf(t, dir, { threads: false, maxOpenFiles: 2 });
  for (let round = 0; round < 2; round++) {
    assert.equal(valueOf(await textOf(collector), 'size_count', { part: '3' }), 6);
    assert.equal(openFiles(), 2);
  }
  await collector.close();
  assert.equal(openFiles(), 0);
});

test('a process opens each file once, however many registries it shows', async (t) => {
  const { workers } = await startCluster(t, withTempDir(t), 4);
  await workers[0].run(async ({ prom, kept }) => {
    const { register, Registry, Counter } = prom;
    kept.registries = Array.from({ length: 50 }, (_, at) => new Registry(undefined, { name: `tenant ${at}` }));
    for (const [at, registry] of [...kept.registries, register].entries()) {
      new Counter({ name: 'tenant_total', help: 'Requests', registers: [registry] }).inc(at);
    }
    await register.metrics();
  });
  const descriptors = (): number => fs.readdirSync(`/proc/${workers[0].pid}/fd`).length;
  const before = descriptors();
  const texts = await workers[0].look(async ({ kept }) => {
    const registries: { metrics(): Promise<string> }[] = kept.registries;
    const together = await Promise.all(registries.map((registry) => registry.metrics()));
    for (const registry of registries) together.push(await registry.metrics());
    return together;
  });
  assert.ok(descriptors() <= before + 1, `${descriptors() - before} more descriptors`);
  texts.forEach((text, at) => assert.equal(valueOf(text, 'tenant_total'), at % 50));
});

test('series that come and go do not accumulate in the index', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 1);
  await fill(workers[0]);
  const collector = collectorOf(t, dir, { threads: false });
  for (let wave = 0; wave < 4; wave++) {
    await workers[0].run(({ prom, kept }, number) => {
      kept.jobs ??= new prom.Gauge({ name: 'jobs', help: 'Jobs', labelNames: ['id'] });
      kept.jobs.reset();
      for (let id = 0; id < 1500; id++) kept.jobs.set({ id: number * 1500 + id }, number * 1500 + id);
    }, wave);
    const families = new Map((await (await written(), collector).families()).map((family) => [family.name, family]));
    const jobs = families.get('jobs')!.samples;
    assert.equal(jobs.length, 1500);
    for (const { labels, value } of jobs) assert.equal(Number(labels.id), value);
    assert.equal(
      families.get('parts_total')!.samples.reduce((sum, { value }) => sum + value, 0),
      499_500,
    );
    const [{ value }] = families.get('prom_multiproc_series')!.samples;
    assert.equal(value, 1013 + 1500);
  }
});

test('a removed metric disappears, also where a new log has replaced the one with its removal', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 1);
  const collector = collectorOf(t, dir, { threads: false, selfMetrics: false });
  await workers[0].run(({ prom }) => {
    for (const name of ['old_total', 'older_total']) new prom.Counter({ name, help: 'Old' }).inc();
  });
  await written();
  assert.deepEqual(
    (await collector.families()).map(({ name }) => name),
    ['old_total', 'older_total'],
  );
  await workers[0].run(({ prom }) => prom.register.removeSingleMetric('older_total'));
  await written();
  assert.deepEqual(
    (await collector.families()).map(({ name }) => name),
    ['old_total'],
  );
  await workers[0].run(async ({ prom }) => {
    prom.register.removeSingleMetric('old_total');
    const jobs = new prom.Counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['id'] });
    for (let id = 0; id < 10_000; id++) {
      jobs.inc({ id });
      jobs.remove({ id });
    }
    jobs.inc({ id: 'last' });
  });
  await written();
  const text = await textOf(collector);
  assert.equal(text, '# HELP jobs_total Jobs\n# TYPE jobs_total counter\njobs_total{id="last"} 1\n');
});

test('a wrong option, a missing directory and a call after close() are errors that tell what to do', async (t) => {
  const code = (name: string) => ({ code: name });
  assert.throws(() => new MultiprocessCollector({ deadRetentionSeconds: 0 }), code('ERR_INVALID_ARGUMENT'));
  assert.throws(() => new MultiprocessCollector({ maxOpenFiles: NaN }), code('ERR_INVALID_ARGUMENT'));
  assert.throws(() => new MultiprocessCollector({ idleMs: -1 }), code('ERR_INVALID_ARGUMENT'));
  await assert.rejects(new MultiprocessCollector().metrics(), code('ERR_NO_DIRECTORY'));
  const collector = collectorOf(t, withTempDir(t));
  await collector.metrics();
  await collector.close();
  await assert.rejects(collector.metrics(), code('ERR_CLOSED'));
  const file = join(withTempDir(t), 'file');
  fs.writeFileSync(file, '');
  await assert.rejects(collectorOf(t, file).metrics(), code('ERR_DIRECTORY_REFUSED'));
});

/** '' for the descriptor of the listing itself, which is closed by then. */
function linkTarget(path: string): string {
  try {
    return fs.readlinkSync(path);
  } catch {
    return '';
  }
}
