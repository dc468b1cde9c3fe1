import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import promClient from 'prom-client';
import { type Counter, mirrorRegistry, Registry } from 'prom-multiproc';
import { successor } from '../support/npm-package.js';
import { linesOf, scrape, startCluster, startMember } from '../support/cluster.js';
import { decodeProtobuf } from '../support/protobuf-decoder.js';
import { withTempDir } from '../support/temp-dir.js';

/** Both clients that are mirrored. The successor's declares Node 22, and what these tests ask of it works on 20. */
const clients: Readonly<Record<string, () => Promise<typeof promClient>>> = {
  'prom-client': () => Promise.resolve(promClient),
  '@prometheus-io/client': async () => require(await successor()) as typeof promClient,
};

/** One that copies when it is asked to, into a registry of its own. */
function mirrorOf(source: promClient.Registry): { copied(): Promise<string> } {
  const registry = new Registry(undefined, { multiprocess: false });
  const mirror = mirrorRegistry(source, { register: registry, intervalMs: 2 ** 30 });
  return {
    async copied() {
      await mirror.copy();
      return registry.metrics();
    },
  };
}

for (const [name, load] of Object.entries(clients)) {
  test(`counters, gauges and histograms of ${name} look the same here`, async () => {
    const client = await load();
    const source = new client.Registry();
    const registers = [source];
    const counter = new client.Counter({ name: 'c_total', help: 'C.', labelNames: ['a', 'b'], registers });
    const gauge = new client.Gauge({ name: 'g', help: 'G.', labelNames: ['a'], registers });
    const histogram = new client.Histogram({ name: 'h', help: 'H.', labelNames: ['a'], buckets: [1, 2.5], registers });
    const bare = new client.Histogram({ name: 'bare', help: 'B.', labelNames: ['a'], buckets: [], registers });
    new client.Counter({ name: 'unused_total', help: 'U.', registers });
    const { copied } = mirrorOf(source);
    for (let round = 0; round < 3; round++) {
      counter.inc({ a: 'x', b: `${round}` }, round + 0.5);
      counter.inc({ a: 'y' });
      gauge.set({ a: 'x' }, -round);
      for (const value of [0.5, 1, 2, 3, 1e9]) histogram.observe({ a: 'x' }, value + round);
      bare.observe({ a: 'x' }, round);
      assert.equal(await copied(), await source.metrics());
    }
    gauge.remove({ a: 'x' });
    gauge.set({ a: 'z' }, 1);
    assert.equal(await copied(), await source.metrics());
  });

  test(`of a summary of ${name}, sum and count are copied`, async () => {
    const client = await load();
    const source = new client.Registry();
    const summary = new client.Summary({ name: 's', help: 'S.', labelNames: ['a'], registers: [source] });
    const { copied } = mirrorOf(source);
    for (const value of [1, 2, 3]) summary.observe({ a: 'x' }, value);
    await copied();
    summary.observe({ a: 'x' }, 4);
    assert.equal(await copied(), '# HELP s S.\n# TYPE s summary\ns_sum{a="x"} 10\ns_count{a="x"} 4\n');
  });

  test(`a reset in ${name} loses nothing and doubles nothing`, async () => {
    const client = await load();
    const source = new client.Registry();
    const counter = new client.Counter({ name: 'c_total', help: 'C.', registers: [source] });
    const histogram = new client.Histogram({ name: 'h', help: 'H.', buckets: [1], registers: [source] });
    const summary = new client.Summary({ name: 's', help: 'S.', registers: [source] });
    const { copied } = mirrorOf(source);
    counter.inc(5);
    for (const value of [0.5, 0.5, 4]) {
      histogram.observe(value);
      summary.observe(value);
    }
    await copied();
    source.resetMetrics();
    counter.inc(3);
    histogram.observe(4);
    summary.observe(4);
    const text = await copied();
    assert.deepEqual(linesOf(text, 'c_total'), ['c_total 8']);
    assert.deepEqual(linesOf(text, 'h'), ['h_bucket{le="1"} 2', 'h_bucket{le="+Inf"} 4', 'h_sum 9', 'h_count 4']);
    assert.deepEqual(linesOf(text, 's'), ['s_sum 9', 's_count 4']);
  });

  test(`what ${name} counts while there is no room for its series is added when there is`, async () => {
    const client = await load();
    const source = new client.Registry();
    const registers = [source];
    const counter = new client.Counter({ name: 'c_total', help: 'C.', labelNames: ['a'], registers });
    const histogram = new client.Histogram({ name: 'h', help: 'H.', labelNames: ['a'], buckets: [1], registers });
    const summary = new client.Summary({ name: 's', help: 'S.', labelNames: ['a'], registers });
    for (const a of ['x', 'y']) {
      counter.inc({ a }, 2);
      histogram.observe({ a }, 3);
      summary.observe({ a }, 4);
    }
    const registry = new Registry(undefined, { multiprocess: false });
    // the stores of the copies have room for one series
    process.env.PROM_MULTIPROC_MAX_SERIES_PER_METRIC = '1';
    const mirror = mirrorRegistry(source, { register: registry, intervalMs: 2 ** 30 });
    await mirror.copy();
    delete process.env.PROM_MULTIPROC_MAX_SERIES_PER_METRIC;
    const full = await registry.metrics();
    assert.deepEqual(linesOf(full, 'c_total'), ['c_total{a="x"} 2']);
    for (const metric of [counter, histogram, summary]) metric.remove({ a: 'x' });
    for (const copied of ['c_total', 'h', 's']) {
      (registry.getSingleMetric(copied) as Counter<'a'>).remove({ a: 'x' });
    }
    counter.inc({ a: 'y' });
    histogram.observe({ a: 'y' }, 0.5);
    summary.observe({ a: 'y' }, 1);
    await mirror.copy();
    const text = await registry.metrics();
    assert.deepEqual(linesOf(text, 'c_total'), ['c_total{a="y"} 3']);
    assert.deepEqual(linesOf(text, 'h'), [
      'h_bucket{le="1",a="y"} 1',
      'h_bucket{le="+Inf",a="y"} 2',
      'h_sum{a="y"} 3.5',
      'h_count{a="y"} 2',
    ]);
    assert.deepEqual(linesOf(text, 's'), ['s_sum{a="y"} 5', 's_count{a="y"} 2']);
  });
}

test('whatever is counted between copies and resets, the copy has all of it', async () => {
  const step = fc.record({ amounts: fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 4 }), reset: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      const source = new promClient.Registry();
      const counter = new promClient.Counter({ name: 'c_total', help: 'C.', registers: [source] });
      const { copied } = mirrorOf(source);
      let total = 0;
      let sinceReset = 0;
      let seen = 0;
      for (const { amounts, reset } of steps) {
        if (reset) {
          counter.reset();
          sinceReset = 0;
        }
        for (const amount of amounts) counter.inc(amount);
        sinceReset += amounts.reduce((sum, amount) => sum + amount, 0);
        // one that overtakes what was seen last between two copies cannot be told from one that was not reset
        total += reset && sinceReset < seen ? sinceReset : sinceReset - seen;
        seen = sinceReset;
        assert.deepEqual(linesOf(await copied(), 'c_total'), [`c_total ${total}`]);
      }
    }),
    { numRuns: 50 },
  );
});

test('default labels of the source are copied, also those that come later', async () => {
  const source = new promClient.Registry();
  const counter = new promClient.Counter({ name: 'c_total', help: 'C.', registers: [source] });
  const { copied } = mirrorOf(source);
  counter.inc(2);
  await copied();
  source.setDefaultLabels({ zone: 'a' });
  counter.inc();
  assert.deepEqual(linesOf(await copied(), 'c_total'), ['c_total{zone="a"} 3']);
});

test('copies that overlap count once', async () => {
  const source = new promClient.Registry();
  const waiting: (() => void)[] = [];
  const counter = new promClient.Counter({
    name: 'c_total',
    help: 'C.',
    registers: [source],
    collect: () => new Promise<void>((resolve) => void waiting.push(resolve)),
  });
  const registry = new Registry(undefined, { multiprocess: false });
  const mirror = mirrorRegistry(source, { register: registry, intervalMs: 2 ** 30 });
  counter.inc(4);
  let copied = 0;
  const copies = [mirror.copy(), mirror.copy()].map((copy) => copy.then(() => copied++));
  while (copied < copies.length) {
    for (const resolve of waiting.splice(0)) resolve();
    await new Promise((resolve) => setImmediate(resolve));
  }
  // prom-client's own callback, which is not in its types
  (counter as { collect?: unknown }).collect = undefined;
  assert.deepEqual(linesOf(await registry.metrics(), 'c_total'), ['c_total 4']);
});

test('what is counted after close() is not copied any more, not by a scrape either', async () => {
  const source = new promClient.Registry();
  const counter = new promClient.Counter({ name: 'c_total', help: 'C.', registers: [source] });
  const registry = new Registry(undefined, { multiprocess: false });
  const mirror = mirrorRegistry(source, { register: registry, intervalMs: 2 ** 30 });
  counter.inc(4);
  await mirror.close();
  counter.inc(3);
  await mirror.copy();
  assert.deepEqual(linesOf(await registry.metrics(), 'c_total'), ['c_total 4']);
});

test('the merged view of a cluster has what each worker mirrors, up to its exit', async (t) => {
  const { workers } = await startCluster(t, withTempDir(t));
  const [first, second] = workers;
  for (const worker of workers) {
    await worker.run(({ prom, kept, require }) => {
      const client = require('prom-client') as typeof promClient;
      const source = new client.Registry();
      kept.counter = new client.Counter({ name: 'c_total', help: 'C.', registers: [source] });
      new client.Gauge({ name: 'process_max_fds', help: 'Limit.', registers: [source] }).set(1024);
      new client.Gauge({ name: 'load', help: 'Load.', registers: [source] }).set(process.pid);
      // so long that no copy is made by it
      prom.mirrorRegistry(source, { intervalMs: 2 ** 30, gaugeModes: { load: 'livemax' } });
      kept.counter.inc(5);
    });
  }
  await scrape(first);
  const text = await scrape(second);
  assert.deepEqual(linesOf(text, 'c_total'), ['c_total 10']);
  assert.deepEqual(linesOf(text, 'process_max_fds'), ['process_max_fds 1024']);
  assert.deepEqual(linesOf(text, 'load'), [`load ${Math.max(first.pid, second.pid)}`]);

  await first.run(({ kept }) => {
    kept.counter.inc(2);
    setImmediate(() => process.exit(0));
  });
  await first.ended;
  assert.deepEqual(linesOf(await scrape(second), 'c_total'), ['c_total 12']);
});

test('a histogram that one worker mirrors is merged with the native one of the same name of another', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  const [classic, native] = workers;
  await classic.run(({ prom, require }) => {
    const client = require('prom-client') as typeof promClient;
    const source = new client.Registry();
    const histogram = new client.Histogram({ name: 'took_seconds', help: 'T.', buckets: [1, 4], registers: [source] });
    prom.mirrorRegistry(source, { intervalMs: 2 ** 30 });
    for (const value of [0.5, 3, 3, 100]) histogram.observe(value);
  });
  await native.run(({ prom }) => {
    const options = { buckets: [1, 4], nativeHistogramBucketFactor: 1.1 };
    const histogram = new prom.Histogram({ name: 'took_seconds', help: 'T.', ...options });
    for (const value of [0.25, 3]) histogram.observe(value);
  });
  // the worker that mirrors copies before it is read
  assert.deepEqual(linesOf(await scrape(classic), 'took_seconds_bucket'), [
    'took_seconds_bucket{le="1"} 2',
    'took_seconds_bucket{le="4"} 5',
    'took_seconds_bucket{le="+Inf"} 6',
  ]);
  const body = await primary.run(async ({ prom }) => {
    const collector = new prom.MultiprocessCollector();
    const { body: bytes } = await collector.metrics({ format: 'protobuf' });
    await collector.close();
    return Buffer.from(bytes).toString('base64');
  });
  const { native: shown } = decodeProtobuf(Buffer.from(body, 'base64')).find(({ name }) => name === 'took_seconds')!;
  // each bucket of the mirrored one is at its upper bound, or just above the last one
  assert.deepEqual(
    shown.map(({ schema, count, positive }) => [schema, count, positive]),
    [
      [
        3,
        6,
        [
          [-16, 1],
          [0, 1],
          [13, 1],
          [16, 2],
          [17, 1],
        ],
      ],
    ],
  );
});

test('a metric that cannot be copied is logged once and costs no other', async (t) => {
  const member = await startMember(t);
  const text = await member.run(async ({ prom, require }) => {
    const client = require('prom-client') as typeof promClient;
    const source = new client.Registry();
    new client.Counter({ name: 'taken_total', help: 'Theirs.', registers: [source] }).inc(7);
    new client.Counter({ name: 'free_total', help: 'Theirs.', registers: [source] }).inc(7);
    new prom.Counter({ name: 'taken_total', help: 'Ours.' }).inc();
    const mirror = prom.mirrorRegistry(source);
    await mirror.copy();
    await mirror.close();
    return prom.register.metrics();
  });
  assert.deepEqual(linesOf(text, 'taken_total'), ['taken_total 1']);
  assert.deepEqual(linesOf(text, 'free_total'), ['free_total 7']);
  assert.equal(
    member.output,
    'prom-multiproc: the metric taken_total could not be mirrored: A metric with the name taken_total has already been registered. It differs in help ("Ours." there, "Theirs." here).\n',
  );
});

test('a registry that is none, one of this package, and an interval that is none are errors', () => {
  const source = new promClient.Registry();
  assert.throws(() => mirrorRegistry({} as never), {
    code: 'ERR_INVALID_ARGUMENT',
    message: 'a registry to mirror has getMetricsAsJSON(), unlike {}',
  });
  for (const intervalMs of [0, -1, NaN, 2 ** 31]) {
    assert.throws(() => mirrorRegistry(source, { intervalMs }), { code: 'ERR_INVALID_ARGUMENT' });
  }
  assert.throws(() => mirrorRegistry(new Registry()), {
    code: 'ERR_INVALID_ARGUMENT',
    message:
      'this is a registry of prom-multiproc, possibly through the preload hook: it is merged already and needs no mirror',
  });
});
