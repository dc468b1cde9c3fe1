import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import promClient from 'prom-client';
import { AggregatorRegistry, ClusterRegistry, Registry, WorkerRegistry } from 'prom-multiproc';
import { assertSound, linesOf, type Member, startCluster, written } from '../support/cluster.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

test('clusterMetrics() answers the same in the primary and in every worker', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const [at, worker] of workers.entries()) {
    await worker.run(({ prom }, amount) => new prom.Counter({ name: 'jobs_total', help: 'Jobs.' }).inc(amount), at + 1);
  }
  await written();
  for (const member of [primary, ...workers]) {
    const [text, threads] = await member.run(({ prom }) => {
      const registry = new prom.AggregatorRegistry();
      return Promise.all([registry.clusterMetrics(), new prom.WorkerRegistry().workerMetrics()]);
    });
    assertSound(text);
    assert.deepEqual(linesOf(text, 'jobs_total'), ['jobs_total 3']);
    assert.deepEqual(linesOf(threads, 'jobs_total'), ['jobs_total 3']);
  }
});

/** Has the event loop of a process or thread wait for ever; answers once it does, with what becomes of that. */
async function block(member: Member, dir: string): Promise<{ ending: Promise<unknown> }> {
  const flag = join(dir, 'blocked');
  const ending = member.run(({ require }, path) => {
    require('node:fs').writeFileSync(path, '');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }, flag);
  ending.catch(() => undefined);
  await until(() => existsSync(flag));
  return { ending };
}

test('a blocked worker changes nothing, and a killed one keeps its counts', async (t) => {
  const dir = withTempDir(t);
  const { primary, workers } = await startCluster(t, dir);
  for (const worker of workers) {
    await worker.run(({ prom }) => new prom.Counter({ name: 'jobs_total', help: 'Jobs.' }).inc(1000));
  }
  const ask = (): Promise<string> => primary.run(({ prom }) => new prom.AggregatorRegistry().clusterMetrics());
  await written();
  const { ending } = await block(workers[0], dir);
  assert.deepEqual(linesOf(await ask(), 'jobs_total'), ['jobs_total 2000']);
  await Promise.all([workers[0].kill(), assert.rejects(ending)]);
  assert.deepEqual(linesOf(await ask(), 'jobs_total'), ['jobs_total 2000']);
});

test('registries that workers name with setRegistries are what the primary shows of them, metrics made later too', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const worker of workers) {
    await worker.run(({ prom }) => {
      const chosen = new prom.Registry();
      const other = new prom.Registry();
      new prom.Counter({ name: 'before_total', help: 'h', registers: [chosen] }).inc();
      prom.AggregatorRegistry.setRegistries([chosen]);
      new prom.Counter({ name: 'after_total', help: 'h', registers: [chosen] }).inc();
      new prom.Counter({ name: 'other_total', help: 'h', registers: [other] }).inc();
      new prom.Counter({
        name: 'local_total',
        help: 'h',
        registers: [new prom.Registry(undefined, { multiprocess: false })],
      });
    });
  }
  await written();
  for (const member of [primary, workers[1]]) {
    const text = await member.run(({ prom }) => new prom.AggregatorRegistry().clusterMetrics());
    const shown = text.match(/^\w+_total \d$/gm)?.filter((line) => !line.startsWith('prom_multiproc_'));
    assert.deepEqual(shown, ['before_total 2', 'after_total 2']);
  }
  await workers[0].run(({ prom }) => prom.AggregatorRegistry.setRegistries(prom.register));
  await written();
  const text = await primary.run(({ prom }) => new prom.AggregatorRegistry().clusterMetrics());
  assert.deepEqual(linesOf(text, 'before_total'), ['before_total 1']);
});

test('the last choice and the last default labels of workers hold, whichever came first', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const worker of workers) {
    await worker.run(({ prom, kept }) => {
      kept.shop = new prom.Registry();
      kept.admin = new prom.Registry();
      new prom.Counter({ name: 'shop_total', help: 'S.', registers: [kept.shop] }).inc();
      new prom.Counter({ name: 'both_total', help: 'B.', registers: [kept.admin, kept.shop] }).inc();
      new prom.Counter({ name: 'default_total', help: 'D.' }).inc();
    });
  }
  const shownAfter = async (step: Parameters<Member['run']>[0]): Promise<string[]> => {
    for (const worker of workers) await worker.run(step);
    await written();
    const text = await primary.run(({ prom }) => new prom.AggregatorRegistry().clusterMetrics());
    assertSound(text);
    return ['shop', 'both', 'default'].flatMap((name) => linesOf(text, `${name}_total`));
  };
  const chosen = await shownAfter(({ prom, kept }) => {
    prom.AggregatorRegistry.setRegistries([kept.shop]);
    kept.shop.setDefaultLabels({ of: 'shop' });
  });
  assert.deepEqual(chosen, ['shop_total{of="shop"} 2', 'both_total{of="shop"} 2']);
  const both = await shownAfter(({ prom, kept }) => {
    prom.AggregatorRegistry.setRegistries([kept.admin, kept.shop]);
    kept.admin.setDefaultLabels({ by: 'admin' });
  });
  assert.deepEqual(both, ['shop_total{of="shop"} 2', 'both_total{by="admin",of="shop"} 2']);
  const usual = await shownAfter(({ prom }) => prom.AggregatorRegistry.setRegistries(prom.register));
  assert.deepEqual(usual, ['default_total 2']);
  const merged = await shownAfter(({ prom, kept }) =>
    prom.AggregatorRegistry.setRegistries([prom.Registry.merge([kept.shop, prom.register])]),
  );
  assert.deepEqual(merged, ['shop_total 2', 'both_total 2', 'default_total 2']);
});

test('workerMetrics() has the counts of threads, idle, blocked and terminated', async (t) => {
  const dir = withTempDir(t);
  const { primary } = await startCluster(t, dir, 0);
  const [idle, blocked, ended] = [await primary.thread(), await primary.thread(), await primary.thread()];
  for (const thread of [idle, blocked, ended]) {
    await thread.run(({ prom }) => new prom.Counter({ name: 'jobs_total', help: 'Jobs.' }).inc(2));
  }
  await written();
  await block(blocked, dir);
  await ended.terminate();
  const text = await primary.run(({ prom }) => new prom.WorkerRegistry().workerMetrics());
  assert.deepEqual(linesOf(text, 'jobs_total'), ['jobs_total 6']);
  await blocked.terminate();
});

test('what a primary has counted is in clusterMetrics() of no primary, also after its death', async (t) => {
  const dir = withTempDir(t);
  const clusters = [await startCluster(t, dir), await startCluster(t, dir)];
  for (const { primary, workers } of clusters) {
    for (const [at, member] of [primary, ...workers].entries()) {
      const amount = at === 0 ? 100 : 1;
      await member.run(({ prom }, by) => new prom.Counter({ name: 'jobs_total', help: 'Jobs.' }).inc(by), amount);
    }
  }
  const ask = (member: Member) =>
    member.run(async ({ prom }) => {
      const text = (body: Uint8Array) => Buffer.from(body).toString();
      return {
        workers: await new prom.AggregatorRegistry().clusterMetrics(),
        all: await new prom.ClusterRegistry().clusterMetrics(),
        served: text((await new prom.MultiprocessCollector().metrics()).body),
        own: await prom.register.metrics(),
        merged: await prom.register.metrics({ scope: 'merged' }),
      };
    });
  const shown = async (member: Member) =>
    Object.entries(await ask(member)).map(([name, text]) => `${name}: ${linesOf(text, 'jobs_total').join()}`);
  const { primary, workers } = clusters[1];
  const expected = [
    'workers: jobs_total 4',
    'all: jobs_total 204',
    'served: jobs_total 204',
    'own: jobs_total 100',
    'merged: jobs_total 204',
  ];
  await written();
  assert.deepEqual(await shown(primary), expected);
  for (const member of [...clusters[0].workers, clusters[0].primary]) await member.kill();
  assert.deepEqual(await shown(primary), expected);
  const { folded } = await primary.run(({ prom }) => new prom.MultiprocessCollector().fold());
  assert.equal(folded, 3);
  assert.deepEqual(await shown(primary), expected);
  // a worker has nothing to put beside it
  assert.deepEqual(await shown(workers[0]), [
    'workers: jobs_total 204',
    'all: jobs_total 204',
    'served: jobs_total 204',
    'own: jobs_total 204',
    'merged: jobs_total 204',
  ]);
});

test('PROM_MULTIPROC_SCOPE=process leaves clusterMetrics() as it is', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t), 2, { PROM_MULTIPROC_SCOPE: 'process' });
  for (const worker of workers) {
    await worker.run(({ prom }) => new prom.Counter({ name: 'jobs_total', help: 'Jobs.' }).inc());
  }
  await written();
  const text = await primary.run(({ prom }) => new prom.AggregatorRegistry().clusterMetrics());
  assert.deepEqual(linesOf(text, 'jobs_total'), ['jobs_total 2']);
});

test('what is no registry, or of a content type that there is not, is the error of prom-client', () => {
  for (const { AggregatorRegistry: Either } of [promClient, { AggregatorRegistry }]) {
    const setRegistries = Either.setRegistries as (registries: unknown) => void;
    assert.throws(() => setRegistries([{}]), { name: 'TypeError', message: 'Expected Registry, got object' });
    assert.throws(() => setRegistries('x'), { name: 'TypeError', message: 'Expected Registry, got string' });
  }
  assert.throws(() => new AggregatorRegistry('x' as never), {
    name: 'TypeError',
    message: 'Content type x is unsupported',
  });
});

test('aggregate() merges objects of getMetricsAsJSON() as prom-client does', async () => {
  const metric = (aggregator: string, name: string, value: number): object => ({
    name,
    help: 'h',
    type: 'gauge',
    aggregator,
    values: [{ value, labels: { a: 'b' } }],
  });
  const aggregators = ['sum', 'first', 'min', 'max', 'average', 'omit'];
  const arrays = [1, 2, 6].map((value) =>
    aggregators.map((aggregator) => metric(aggregator, `by_${aggregator}`, value)),
  );
  const theirs = promClient.AggregatorRegistry.aggregate(arrays);
  for (const Either of [AggregatorRegistry, ClusterRegistry, WorkerRegistry, Registry]) {
    const ours = Either.aggregate(arrays);
    assert.ok(ours instanceof Registry);
    assert.equal(await ours.metrics(), await theirs.metrics());
  }
  const wrong = [[metric('averag', 'x', 1)]];
  for (const { AggregatorRegistry: Either } of [promClient, { AggregatorRegistry }]) {
    assert.throws(() => Either.aggregate(wrong), { message: "'averag' is not a defined aggregator." });
  }
});

test('where there are no other processes, clusterMetrics() is what this one counted', async () => {
  const registry = new AggregatorRegistry();
  assert.equal(await registry.clusterMetrics(), '\n');
  assert.equal(registry.contentType, 'text/plain; version=0.0.4; charset=utf-8');
  await registry.shutdown();
});
