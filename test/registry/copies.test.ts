/**
 * The package is loaded several times in one process: once per module graph of a bundler, or by a program that reloads it.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { linesOf, type Member, scrape, startCluster, startMember, written } from '../support/cluster.js';
import { dataFiles } from '../support/cluster-files.js';
import { withTempDir } from '../support/temp-dir.js';

/** Loads the package again until `kept.copies` has this number of copies. */
async function load(member: Member, count: number): Promise<void> {
  await member.run(({ prom, require, kept }, wanted) => {
    kept.copies = [prom];
    const root = require.resolve('prom-multiproc');
    while (kept.copies.length < wanted) {
      for (const path of Object.keys(require.cache)) {
        if (path.startsWith(root.replace(/root\.js$/, ''))) delete require.cache[path];
      }
      kept.copies.push(require('prom-multiproc'));
    }
  }, count);
}

async function copiesInMemory(t: TestContext, env: Record<string, string> = {}): Promise<Member> {
  const member = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: undefined, ...env });
  await load(member, 2);
  return member;
}

test('copies count in one file and in the same cells, and each has its own registry', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir);
  const [worker, other] = workers;
  await other.run(({ prom }) => new prom.Counter({ name: 'c_total', help: 'C.' }).inc(100));
  await load(worker, 3);
  await written();
  const shown = await worker.run(async ({ kept }) => {
    const copies = kept.copies as (typeof import('prom-multiproc'))[];
    copies.forEach(({ Counter, Gauge, Histogram }, at) => {
      new Counter({ name: 'c_total', help: 'C.' }).inc(at + 1);
      new Histogram({ name: 'h', help: 'H.', buckets: [1] }).observe(at);
      new Gauge({ name: 'queue', help: 'Q.' }).set(7);
    });
    const texts = await Promise.all(copies.map(({ register }) => register.metrics()));
    // the values of the other copies stay
    copies[0].register.clear();
    return [...texts, ...(await Promise.all(copies.map(({ register }) => register.metrics())))];
  });
  for (const text of shown) {
    assert.deepEqual(linesOf(text, 'c_total'), ['c_total 106']);
    assert.deepEqual(linesOf(text, 'h'), ['h_bucket{le="1"} 2', 'h_bucket{le="+Inf"} 3', 'h_sum 3', 'h_count 3']);
    assert.deepEqual(linesOf(text, 'queue'), ['queue 7']);
  }
  assert.deepEqual(linesOf(await scrape(other), 'c_total'), ['c_total 106']);
  assert.equal(dataFiles(dir, worker.pid).length, 1);
});

test('each copy shows the native buckets of the series that another one has made', async (t) => {
  const member = await copiesInMemory(t);
  const shown = await member.run(async ({ kept }) => {
    const copies = kept.copies as (typeof import('prom-multiproc'))[];
    const config = { name: 'h', help: 'H.', labelNames: ['x'], nativeHistogramBucketFactor: 1.1 };
    const histograms = copies.map(({ Histogram }) => new Histogram(config));
    histograms.forEach((histogram, at) => histogram.observe({ x: `${at}` }, 0.5));
    const families = await Promise.all(copies.map(({ register }) => register.processFamilies()));
    return families.map(([{ samples }]) => samples.flatMap(({ labels, native }) => (native ? [labels.x] : [])));
  });
  assert.deepEqual(shown, [
    ['0', '1'],
    ['0', '1'],
  ]);
});

test('in memory the metrics of two copies are one, and each copy shows the values of the other', async (t) => {
  const member = await copiesInMemory(t);
  const shown = await member.run(async ({ kept }) => {
    const [first, second] = kept.copies as (typeof import('prom-multiproc'))[];
    const counters = [first, second].map(
      ({ Counter }) => new Counter({ name: 'c_total', help: 'C.', labelNames: ['x'] }),
    );
    const held = counters.map((counter) => counter.labels('held'));
    counters.forEach((counter, at) => counter.inc({ x: 'a' }, at + 1));
    held.forEach((child, at) => child.inc(10 * (at + 1)));
    new first.Gauge({
      name: 'only_first',
      help: 'F.',
      collect() {
        this.set(1);
      },
    });
    new second.Gauge({ name: 'only_second', help: 'S.' }).set(2);
    // with different declarations each copy shows its own metric
    new first.Counter({ name: 'differs_total', help: 'One.' }).inc(1);
    new second.Counter({ name: 'differs_total', help: 'Two.' }).inc(2);
    second.register.setDefaultLabels({ copy: '2' });
    const objects = await second.register.getMetricsAsJSON();
    const before = await first.register.metrics();
    const ofSecond = await second.register.metrics();
    first.register.clear();
    counters[0].inc({ x: 'a' }, 1000);
    return { before, ofSecond, after: await second.register.metrics(), names: objects.map(({ name }) => name) };
  });
  assert.deepEqual(linesOf(shown.before, 'c_total'), ['c_total{x="a"} 3', 'c_total{x="held"} 30']);
  assert.deepEqual(linesOf(shown.before, 'only_first'), ['only_first 1']);
  assert.deepEqual(linesOf(shown.before, 'only_second'), ['only_second{copy="2"} 2']);
  assert.deepEqual(linesOf(shown.before, 'differs_total'), ['differs_total 1']);
  assert.deepEqual(linesOf(shown.ofSecond, 'c_total'), ['c_total{x="a",copy="2"} 3', 'c_total{x="held",copy="2"} 30']);
  assert.deepEqual(linesOf(shown.ofSecond, 'differs_total'), ['differs_total{copy="2"} 2']);
  assert.deepEqual(linesOf(shown.ofSecond, 'only_first'), ['only_first 1']);
  // a program that holds a removed metric writes to values that no output shows
  assert.deepEqual(linesOf(shown.after, 'c_total'), ['c_total{x="a",copy="2"} 3', 'c_total{x="held",copy="2"} 30']);
  assert.deepEqual(linesOf(shown.after, 'only_first'), []);
  assert.deepEqual(shown.names, ['c_total', 'only_second', 'differs_total'], 'objects are of one copy');
});

test('a name is registered per copy, and instanceof is true for instances of every copy', async (t) => {
  const member = await copiesInMemory(t);
  const outcome = await member.run(async ({ kept }) => {
    const [first, second] = kept.copies as (typeof import('prom-multiproc'))[];
    class Own extends first.Registry {}
    const counter = new first.Counter({ name: 'c_total', help: 'C.' });
    new second.Counter({ name: 'c_total', help: 'C.' });
    const refused = [first, second].map(({ Counter }) => {
      try {
        return String(new Counter({ name: 'c_total', help: 'C.' }));
      } catch (error) {
        return (error as Error).message;
      }
    });
    let thrown: unknown;
    try {
      new first.Registry(undefined, { name: '' });
    } catch (error) {
      thrown = error;
    }
    const registry = new first.Registry();
    new second.Counter({ name: 'across_total', help: 'A.', registers: [registry] }).inc(3);
    return {
      refused,
      instances: [
        counter instanceof second.Counter,
        first.register instanceof second.Registry,
        new first.AggregatorRegistry() instanceof second.AggregatorRegistry,
        new first.AggregatorRegistry() instanceof second.Registry,
        thrown instanceof second.PromMultiprocError,
        new Own() instanceof second.Registry,
        new Own() instanceof Own,
      ],
      others: [
        counter instanceof second.Gauge,
        first.register instanceof second.AggregatorRegistry,
        first.register instanceof Own,
        {} instanceof second.Counter,
        (null as unknown) instanceof second.Counter,
        ('' as unknown) instanceof second.Counter,
      ],
      across: await registry.metrics(),
      merged: await second.Registry.merge([first.register, registry]).metrics(),
    };
  });
  assert.deepEqual(linesOf(outcome.across, 'across_total'), ['across_total 3']);
  assert.deepEqual(linesOf(outcome.merged, 'across_total'), ['across_total 3']);
  const taken = 'A metric with the name c_total has already been registered.';
  assert.deepEqual(outcome.refused, [taken, taken]);
  assert.deepEqual(
    outcome.instances,
    outcome.instances.map(() => true),
  );
  assert.deepEqual(
    outcome.others,
    outcome.others.map(() => false),
  );
});

test('under a test runner each copy starts from nothing', async (t) => {
  const member = await copiesInMemory(t, { JEST_WORKER_ID: '1' });
  const texts = await member.run(async ({ kept }) => {
    const copies = kept.copies as (typeof import('prom-multiproc'))[];
    copies.forEach(({ Counter }, at) => new Counter({ name: 'c_total', help: 'C.' }).inc(at + 1));
    new copies[0].Counter({ name: 'other_total', help: 'O.' });
    return Promise.all(copies.map(({ register }) => register.metrics()));
  });
  assert.deepEqual(
    texts.map((text) => linesOf(text, 'c_total')),
    [['c_total 1'], ['c_total 2']],
  );
  assert.deepEqual(
    texts.map((text) => linesOf(text, 'other_total')),
    [['other_total 0'], []],
  );
});

test('copies share one timer', async (t) => {
  const member = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: withTempDir(t) });
  const intervals = await member.run(({ require, kept, prom }) => {
    const { setInterval: start } = globalThis;
    let count = 0;
    globalThis.setInterval = (...args: Parameters<typeof start>) => {
      count++;
      return start(...args);
    };
    const root = require.resolve('prom-multiproc');
    kept.copies = [prom];
    for (const path of Object.keys(require.cache)) {
      if (path.startsWith(root.replace(/root\.js$/, ''))) delete require.cache[path];
    }
    for (const { Counter } of [prom, require('prom-multiproc') as typeof prom]) {
      new Counter({ name: 'c_total', help: 'C.' }).inc();
    }
    return count;
  });
  assert.equal(intervals, 1);
});
