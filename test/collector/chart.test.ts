import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Chart, ChartRequest } from '../../src/collector/chart.js';
import type { MultiprocessCollector } from '../../src/collector/multiprocess-collector.js';
import { collectorOf } from '../support/collector.js';
import { DeadProcess } from '../support/dead-process.js';
import { type Member, startCluster, written } from '../support/cluster.js';
import { withTempDir } from '../support/temp-dir.js';

interface Counting {
  readonly workers: readonly Member[];
  readonly collector: MultiprocessCollector;
  chart(metric: string, by?: ChartRequest['by']): Promise<Chart | null>;
}

async function counting(t: TestContext): Promise<Counting> {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 2);
  for (const [at, worker] of workers.entries()) {
    await worker.run(({ prom }, share) => {
      const requests = new prom.Counter({ name: 'requests_total', help: 'Requests', labelNames: ['path', 'code'] });
      requests.inc({ path: '/', code: '200' }, 10 * share);
      requests.inc({ path: '/', code: '500' }, share);
      requests.inc({ path: '/cart', code: '200' }, 3 * share);
      new prom.Gauge({ name: 'heap_bytes', help: 'Heap', multiprocessMode: 'max' }).set(100 * share);
      new prom.Gauge({ name: 'each_bytes', help: 'Each', multiprocessMode: 'liveall' }).set(100 * share);
      const seconds = new prom.Histogram({ name: 'seconds', help: 'Seconds', labelNames: ['path'], buckets: [1, 2] });
      for (const value of [0.5, 1.5, 1.5, 9]) seconds.observe({ path: `/${share}` }, value);
      const sizes = new prom.Summary({ name: 'sizes', help: 'Sizes', labelNames: ['path'], percentiles: [0.5, 1] });
      sizes.observe({ path: `/${share}` }, share === 1 ? 10 : 1000);
      new prom.Info({ name: 'build_info', help: 'Build' });
    }, at + 1);
  }
  await written();
  const collector = collectorOf(t, dir);
  return {
    workers,
    collector,
    chart: async (metric, by) => (await collector.status([{ metric, by }])).charts[0],
  };
}

test('a native histogram is charted by its own buckets, of all series together and adjacent', async (t) => {
  const dir = withTempDir(t);
  const native = { schema: 1, zeroThreshold: 2 ** -10, maxBuckets: 0 };
  const process = new DeadProcess(dir);
  process.declare({ name: 'took', help: 'h', type: 'histogram', labelNames: ['at'], bounds: [], native });
  for (const [at, value] of Object.entries({ a: 1.2, b: 1.3, c: 4, d: 0, e: -1 })) {
    process.observe('took', [], value, { at });
  }
  process.die();
  const collector = collectorOf(t, dir);
  const [chart] = (await collector.status([{ metric: 'took' }])).charts;
  assert.deepEqual(chart?.buckets, { bounds: [1, Math.SQRT2, 2, 2 * Math.SQRT2, 4], counts: [2, 2, 0, 0, 1, 0] });
  const wide = new DeadProcess(dir);
  wide.declare({ name: 'took', help: 'h', type: 'histogram', labelNames: ['at'], bounds: [], native });
  for (const value of [2 ** -9.5, 2 ** 70.5]) wide.observe('took', [], value, { at: 'f' });
  wide.die();
  const [wider] = (await collector.status([{ metric: 'took' }])).charts;
  const { bounds, counts } = wider!.buckets!;
  assert.deepEqual([bounds[0], bounds.at(-1)], [2 ** -10, 2 ** 71]);
  assert.equal(bounds.length, 82);
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    7,
  );
});

function valuesOf(chart: Chart | null): Record<string, number> {
  return Object.fromEntries(chart!.lines.map(({ name, value }) => [name, value]));
}

test('a counter is charted by series, as a total, by process, and by the values of a label', async (t) => {
  const { chart, workers } = await counting(t);
  const [one, other] = workers.map(({ pid }) => String(pid));
  const open = await chart('requests_total');
  assert.equal(open?.by, 'series');
  assert.deepEqual(open.choices, ['series', 'total', 'process', 'label:path', 'label:code']);
  assert.deepEqual(valuesOf(open), {
    'path="/",code="200"': 30,
    'path="/",code="500"': 3,
    'path="/cart",code="200"': 9,
  });
  assert.deepEqual(valuesOf(await chart('requests_total', 'total')), { requests_total: 42 });
  assert.deepEqual(valuesOf(await chart('requests_total', 'process')), { [one]: 14, [other]: 28 });
  assert.deepEqual(valuesOf(await chart('requests_total', 'label:path')), { '/': 33, '/cart': 9 });
  assert.deepEqual(valuesOf(await chart('requests_total', 'label:code')), { 200: 39, 500: 3 });
  assert.equal((await chart('requests_total', 'label:nothing'))?.by, 'series');
});

test('a gauge is charted by process, whatever its merged value is; dead processes have no line', async (t) => {
  const { chart, workers } = await counting(t);
  const [one, other] = workers;
  assert.deepEqual(valuesOf(await chart('heap_bytes')), { [one.pid]: 100, [other.pid]: 200 });
  assert.deepEqual(valuesOf(await chart('heap_bytes', 'series')), { heap_bytes: 200 });
  assert.deepEqual(valuesOf(await chart('each_bytes')), { [`pid="${one.pid}"`]: 100, [`pid="${other.pid}"`]: 200 });
  await one.kill();
  assert.deepEqual(valuesOf(await chart('heap_bytes')), { [other.pid]: 200 });
  assert.deepEqual(valuesOf(await chart('requests_total', 'process')), { [other.pid]: 28 });
  assert.deepEqual(valuesOf(await chart('requests_total', 'total')), { requests_total: 42 });
});

test('a histogram is charted as its buckets, each alone; a summary by quantiles of everything', async (t) => {
  const { chart } = await counting(t);
  assert.deepEqual((await chart('seconds'))?.buckets, { bounds: [1, 2], counts: [2, 4, 2] });
  const quantiles = valuesOf(await chart('sizes'));
  assert.deepEqual(Object.keys(quantiles).toSorted(), ['0.5', '1']);
  assert.ok(Math.abs(quantiles['1'] / 1000 - 1) < 0.011);
});

test('a metric that is missing, or has nothing to draw, has no chart; the collector has charts of its own metrics', async (t) => {
  const { chart } = await counting(t);
  assert.equal(await chart('nothing_total'), null);
  assert.equal(await chart('build_info'), null);
  assert.deepEqual(valuesOf(await chart('prom_multiproc_processes')), { live: 2, dead: 0, unknown: 0 });
});

test('the largest of very many lines are charted, and the number of the others is given', async (t) => {
  const { chart, workers } = await counting(t);
  await workers[0].run(({ prom }) => {
    const many = new prom.Counter({ name: 'many_total', help: 'Many', labelNames: ['n'] });
    for (let n = 1; n <= 100; n++) many.inc({ n: String(n) }, n);
  });
  await written();
  assert.equal((await chart('many_total'))?.by, 'total');
  const largest = await chart('many_total', 'series');
  assert.equal(largest?.omitted, 60);
  assert.deepEqual(
    largest.lines.map(({ value }) => value),
    Array.from({ length: 40 }, (_, at) => 100 - at),
  );
});

test('the charts of one request are returned together, in the order of the request', async (t) => {
  const { collector } = await counting(t);
  const [one, other] = await Promise.all([
    collector.status([{ metric: 'requests_total', by: 'total' }, { metric: 'heap_bytes' }]),
    collector.status([{ metric: 'seconds' }]),
  ]);
  assert.deepEqual(
    one.charts.map((chart) => chart?.metric),
    ['requests_total', 'heap_bytes'],
  );
  assert.deepEqual(
    other.charts.map((chart) => chart?.metric),
    ['seconds'],
  );
  assert.equal(one.collectedAtMs, other.collectedAtMs);
});
