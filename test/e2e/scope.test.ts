/** The scope of an output: the processes and the registries that it shows. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertSound, type Member, scrape, startCluster, written } from '../support/cluster.js';
import { parseExposition, valueOf } from '../support/exposition-parser.js';
import { withTempDir } from '../support/temp-dir.js';

async function count(member: Member): Promise<void> {
  await member.run(({ prom }) => new prom.Counter({ name: 'jobs_total', help: 'Jobs' }).inc());
}

test('metrics() is merged in every process, and local with the scope "process"', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const worker of workers) await count(worker);
  const own = (member: Member) => member.look(({ prom }) => prom.register.metrics({ scope: 'process' }));
  assert.equal(valueOf(await scrape(workers[0]), 'jobs_total'), 2);
  assert.equal(await own(workers[0]), '# HELP jobs_total Jobs\n# TYPE jobs_total counter\njobs_total 1\n');
  assert.equal((await own(primary)).trim(), '');
  const objects = await workers[0].look(async ({ prom }) => {
    const [merged] = await prom.register.getMetricsAsJSON({ scope: 'merged' });
    const [local] = await prom.register.getMetricsAsJSON();
    const text = await prom.register.getSingleMetricAsString('jobs_total');
    return [merged.values[0].value, local.values[0].value, text];
  });
  assert.deepEqual(objects, [2, 1, '# HELP jobs_total Jobs\n# TYPE jobs_total counter\njobs_total 2']);
});

test('merged objects name the aggregator by which they were merged, so that an aggregation leaves them as they are', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const [at, worker] of workers.entries()) {
    await worker.run(
      ({ prom }, value) => {
        for (const aggregator of ['sum', 'max', 'min', 'average', 'first', 'omit'] as const) {
          // which of the workers started first is not known
          new prom.Gauge({ name: `by_${aggregator}`, help: 'G.', aggregator }).set(aggregator === 'first' ? 2 : value);
        }
        for (const mode of ['livesum', 'max', 'livemin', 'mostrecent'] as const) {
          new prom.Gauge({ name: `mode_${mode}`, help: 'G.', multiprocessMode: mode }).set(value);
        }
        new prom.Counter({ name: 'jobs_total', help: 'J.' }).inc(value);
        new prom.Histogram({ name: 'wait', help: 'W.', buckets: [1] }).observe(value);
      },
      2 + 4 * at,
    );
  }
  await written();
  const { objects, aggregated } = await primary.run(async ({ prom }) => {
    const merged = (await prom.register.getMetricsAsJSON({ scope: 'merged' })).filter(
      ({ name }) => !name.startsWith('prom_multiproc_'),
    );
    const again = await prom.AggregatorRegistry.aggregate([merged, merged.slice(0, 0)]).getMetricsAsJSON();
    const first = ({ name, aggregator, values }: (typeof merged)[number]) => [name, aggregator, values.at(-1)!.value];
    return { objects: merged.map(first), aggregated: again.map(first) };
  });
  assert.deepEqual(objects, [
    ...[
      ['by_sum', 'sum', 8],
      ['by_max', 'max', 6],
      ['by_min', 'min', 2],
      ['by_average', 'average', 4],
    ],
    ...[
      ['by_first', 'first', 2],
      ['mode_livesum', 'sum', 8],
      ['mode_max', 'max', 6],
      ['mode_livemin', 'min', 2],
    ],
    ...[
      ['mode_mostrecent', 'first', 6],
      ['jobs_total', 'sum', 8],
      ['wait', 'sum', 2],
    ],
  ]);
  assert.deepEqual(aggregated, objects);
});

test('PROM_MULTIPROC_SCOPE=process makes every process show only itself; a collector still merges', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t), 2, { PROM_MULTIPROC_SCOPE: 'process' });
  for (const worker of workers) await count(worker);
  assert.equal(valueOf(await scrape(workers[0]), 'jobs_total'), 1);
  assert.equal((await scrape(primary)).trim(), '');
  await written();
  const merged = await primary.look(async ({ prom }) => {
    const { body } = await new prom.MultiprocessCollector().metrics();
    return Buffer.from(body).toString();
  });
  assert.equal(valueOf(merged, 'jobs_total'), 2);
});

test('a registry is merged with those of the same name only; a registry that a request may have created with none', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const [at, worker] of workers.entries()) {
    await worker.run(({ prom, kept }, amount) => {
      const { Counter, Registry } = prom;
      kept.unnamed = new Registry();
      kept.named = new Registry(undefined, { name: 'admin' });
      kept.own = new Registry(undefined, { multiprocess: false });
      for (const [name, registry] of Object.entries({ ...kept, default: prom.register })) {
        // one name in all registries, and one per registry
        new Counter({ name: 'hits_total', help: 'Hits', registers: [registry] }).inc(amount);
        new Counter({ name: `${name}_total`, help: 'Hits', registers: [registry] }).inc(amount);
      }
    }, 10 ** at);
  }
  await written();
  const texts = await workers[0].look(async ({ prom, kept }) => {
    const given: Record<string, string> = {};
    for (const [name, registry] of Object.entries({ ...kept, default: prom.register })) {
      given[name] = await registry.metrics();
    }
    return given;
  });
  for (const [name, text] of Object.entries(texts)) {
    assertSound(text);
    const own = parseExposition(text).samples.filter((sample) => !sample.name.startsWith('prom_multiproc_'));
    const sum = name === 'own' || name === 'unnamed' ? 1 : 11;
    assert.deepEqual(
      own.map((sample) => `${sample.name} ${sample.value}`),
      [`hits_total ${sum}`, `${name}_total ${sum}`],
    );
  }
  const fromPrimary = await primary.look(async ({ prom }) => {
    const { MultiprocessCollector, Registry } = prom;
    const admin = new Registry(undefined, { name: 'admin' });
    const all = Buffer.from((await new MultiprocessCollector().metrics()).body).toString();
    const two = new MultiprocessCollector({ registry: ['admin', 'default'], selfMetrics: false });
    return { admin: await admin.metrics(), all, two: Buffer.from((await two.metrics()).body).toString() };
  });
  assertSound(fromPrimary.all);
  const shown = (text: string) =>
    parseExposition(text)
      .samples.map(({ name, value }) => `${name} ${value}`)
      .filter((line) => !line.startsWith('prom_multiproc_'));
  assert.deepEqual(shown(fromPrimary.admin), ['hits_total 11', 'named_total 11']);
  assert.deepEqual(shown(fromPrimary.two), ['hits_total 22', 'named_total 11', 'default_total 11']);
  assert.deepEqual(shown(fromPrimary.all), ['hits_total 22', 'named_total 11', 'default_total 11']);
});

test('a metric has the default labels of the registry that shows it', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const worker of workers) {
    await worker.run(({ prom }) => {
      const { Counter, Registry, register } = prom;
      const admin = new Registry(undefined, { name: 'admin' });
      admin.setDefaultLabels({ part: 'admin' });
      register.setDefaultLabels({ part: 'shop', own: 'default' });
      new Counter({ name: 'logins_total', help: 'x', registers: [admin] }).inc();
      new Counter({ name: 'orders_total', help: 'x', labelNames: ['own'] }).inc({ own: 'mine' });
    });
  }
  await written();
  const text = await primary.look(async ({ prom }) => {
    const { body } = await new prom.MultiprocessCollector().metrics();
    return Buffer.from(body).toString();
  });
  assertSound(text);
  assert.equal(valueOf(text, 'logins_total', { part: 'admin' }), 2);
  assert.equal(valueOf(text, 'orders_total', { part: 'shop', own: 'mine' }), 2);
});
