import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertSound, linesOf, scrape, startCluster, startMember, written } from '../support/cluster.js';
import { parseExposition, valueOf } from '../support/exposition-parser.js';
import { openMetricsProblems } from '../support/promtool.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

test('the merged view is the same from the primary and from every worker', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t), 3);
  for (const [at, worker] of workers.entries()) {
    await worker.run(({ prom }, amount) => {
      new prom.Counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] }).inc(
        { kind: `k${amount % 2}` },
        amount,
      );
      new prom.Histogram({ name: 'size_bytes', help: 'Sizes', buckets: [1, 10] }).observe(amount);
    }, at + 1);
  }
  const texts = [];
  for (const member of [primary, ...workers]) texts.push(withoutOwn(await scrape(member)));
  assert.equal(
    texts[0],
    [
      '# HELP jobs_total Jobs',
      '# TYPE jobs_total counter',
      'jobs_total{kind="k0"} 2',
      'jobs_total{kind="k1"} 4',
      '',
      '# HELP size_bytes Sizes',
      '# TYPE size_bytes histogram',
      'size_bytes_bucket{le="1"} 1',
      'size_bytes_bucket{le="10"} 3',
      'size_bytes_bucket{le="+Inf"} 3',
      'size_bytes_sum 6',
      'size_bytes_count 3',
      '',
      '',
    ].join('\n'),
  );
  assert.deepEqual(new Set(texts).size, 1);
});

/** Without the collector's own metrics, which differ from scrape to scrape. */
function withoutOwn(text: string): string {
  return text.slice(0, text.indexOf('# HELP prom_multiproc_'));
}

test('a counter refuses NaN and values that would make it infinite, in a living worker and a dead one', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const [at, worker] of workers.entries()) {
    await worker.run(({ prom }, isFirst) => {
      const bytes = new prom.Counter({ name: 'bytes_total', help: 'B.', labelNames: ['from'] });
      for (const value of [1000, NaN, 500]) bytes.inc({ from: 'upload' }, value);
      const sizes = new prom.Histogram({ name: 'sizes', help: 'S.', buckets: [1] });
      const largest = Number.MAX_VALUE;
      for (const value of isFirst ? [largest, largest, -largest] : [2]) sizes.observe(value);
    }, at === 0);
  }
  await workers[0].kill();
  await primary.run(async ({ prom }) => void (await new prom.MultiprocessCollector().fold()));
  const text = await scrape(primary);
  assert.deepEqual(linesOf(text, 'bytes_total'), ['bytes_total{from="upload"} 3000']);
  assert.deepEqual(
    ['sizes_count', 'sizes_sum'].map((name) => valueOf(text, name)),
    [3, 2],
  );
  const dropped = (metric: string) =>
    valueOf(text, 'prom_multiproc_dropped_samples_total', { metric, reason: 'value' });
  assert.deepEqual([dropped('bytes_total'), dropped('sizes')], [2, 1]);
  assert.match(primary.output, /bytes_total was given NaN, which cannot be added to it/);
});

test('a mirror and OpenTelemetry drop what cannot be added too, and readers see how many samples', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t), 1);
  await workers[0].run(async ({ prom, require: load }) => {
    const promClient = load('prom-client') as typeof import('prom-client');
    const source = new promClient.Registry();
    const bytes = new promClient.Counter({ name: 'bytes_total', help: 'B.', registers: [source] });
    const sizes = new promClient.Histogram({ name: 'sizes', help: 'S.', buckets: [1], registers: [source] });
    const mirror = prom.mirrorRegistry(source, { intervalMs: 2 ** 30 });
    for (const value of [1000, NaN]) {
      bytes.inc(value);
      // a histogram of prom-client refuses NaN, but its sum becomes infinite
      for (const size of value > 0 ? [1] : [Number.MAX_VALUE, Number.MAX_VALUE]) sizes.observe(size);
      await mirror.copy();
    }
    const { MeterProvider } = load('prom-multiproc/otel') as typeof import('prom-multiproc/otel');
    const meter = new MeterProvider({ scopeLabels: false }).getMeter('shop');
    for (const value of [1000, NaN, 500]) meter.createCounter('hits').add(value);
    for (const value of [1, NaN]) meter.createHistogram('times').record(value);
  });
  await written();
  const text = await scrape(primary);
  const values = ['bytes_total', 'sizes_sum', 'hits_total', 'times_sum'].map((name) => valueOf(text, name));
  assert.deepEqual(values, [1000, 1, 1500, 1]);
  const dropped = ['bytes_total', 'sizes', 'hits_total', 'times'].map((metric) =>
    valueOf(text, 'prom_multiproc_dropped_samples_total', { metric, reason: 'value' }),
  );
  assert.deepEqual(dropped.slice(2), [1, 1]);
  // each copy drops the difference again, while the source has a total that is no number
  assert.ok(
    dropped.slice(0, 2).every((count) => count! >= 1),
    dropped.join(),
  );
  for (const name of ['bytes_total', 'sizes', 'hits_total', 'times']) {
    assert.equal(primary.output.match(new RegExp(`${name} was given`, 'g'))?.length, 1, name);
  }
});

test('gauges show NaN and the infinities', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const [at, worker] of workers.entries()) {
    await worker.run(({ prom }, first) => {
      const gauge = (name: string, value: number, aggregator?: 'max' | 'first') =>
        new prom.Gauge({ name, help: name, aggregator }).set(value);
      gauge('sum_of_nan', first ? NaN : 1);
      gauge('sum_of_infinity', first ? Infinity : 1);
      gauge('sum_of_both_infinities', first ? Infinity : -Infinity);
      gauge('maximum', first ? NaN : 1, 'max');
      gauge('least', -Infinity, 'max');
      gauge('first', -Infinity, 'first');
    }, at === 0);
  }
  const text = await scrape(primary);
  const values = ['sum_of_nan', 'sum_of_infinity', 'sum_of_both_infinities', 'maximum', 'least', 'first'];
  assert.deepEqual(
    values.flatMap((name) => linesOf(text, name)),
    ['sum_of_nan NaN', 'sum_of_infinity +Inf', 'sum_of_both_infinities NaN', 'maximum 1', 'least -Inf', 'first -Inf'],
  );
});

test('the newest exemplar is kept, for counters and for each bucket, also when its worker is dead', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const member of [primary, ...workers]) {
    await member.run(({ prom }) => prom.register.setContentType(prom.openMetricsContentType));
  }
  for (const [at, worker] of workers.entries()) {
    await worker.run(async ({ prom }, number) => {
      const counter = new prom.Counter({ name: 'jobs_total', help: 'Jobs', enableExemplars: true });
      counter.inc({ value: 1, exemplarLabels: { trace: `t${number}` } });
      const histogram = new prom.Histogram({ name: 'size', help: 'Sizes', buckets: [1, 10], enableExemplars: true });
      histogram.observe({ value: 5 + number, exemplarLabels: { trace: `t${number}` } });
      if (number === 0) histogram.observe({ value: 0.5, exemplarLabels: { trace: 'small' } });
      // so that the clock shows which is older
      await new Promise((resolve) => setTimeout(resolve, 5));
    }, at);
  }
  for (const expectedLive of [2, 1]) {
    const { samples } = parseExposition(await scrape(primary, 'openmetrics'));
    const traces = samples
      .filter(({ exemplar }) => exemplar !== undefined)
      .map(({ name, labels, exemplar }) => `${name} ${labels.le ?? ''} ${exemplar!.labels.trace} ${exemplar!.value}`);
    assert.deepEqual(traces, ['jobs_total  t1 1', 'size_bucket 1 small 0.5', 'size_bucket 10 t1 6']);
    if (expectedLive === 2) await workers[1].kill('SIGKILL');
  }
});

test('quantiles of a summary are computed from all observations together', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const [at, worker] of workers.entries()) {
    await worker.run(({ prom }, number) => {
      const ones = new prom.Summary({ name: 'ones', help: 'Ones', percentiles: [0.5] });
      const range = new prom.Summary({ name: 'range', help: '1 to 2000', percentiles: [0.01, 0.5, 0.99] });
      for (let value = 1; value <= 1000; value++) {
        ones.observe(1);
        range.observe(number * 1000 + value);
      }
    }, at);
  }
  const text = await scrape(primary);
  const quantile = (name: string, q: string) => valueOf(text, name, { quantile: q })!;
  const near = (value: number, truth: number) =>
    assert.ok(Math.abs(value - truth) <= 0.01 * truth, `${value} is not within 1 % of ${truth}`);
  near(quantile('ones', '0.5'), 1);
  near(quantile('range', '0.01'), 20);
  near(quantile('range', '0.5'), 1000);
  near(quantile('range', '0.99'), 1980);
  assert.deepEqual(linesOf(text, 'range').slice(-2), ['range_sum 2001000', 'range_count 2000']);
});

test('histograms with different buckets merge over the union of them, sorted and monotonic', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const [at, buckets] of [
    [1, 5, 100],
    [2, 5, 10],
  ].entries()) {
    await workers[at].run(({ prom }, bounds) => {
      const histogram = new prom.Histogram({ name: 'size', help: 'Sizes', buckets: bounds });
      for (const value of [0.5, 1.5, 3, 7, 50, 1000]) histogram.observe(value);
    }, buckets);
  }
  const text = await scrape(primary);
  assert.deepEqual(linesOf(text, 'size'), [
    'size_bucket{le="1"} 1',
    'size_bucket{le="2"} 3',
    'size_bucket{le="5"} 6',
    'size_bucket{le="10"} 7',
    'size_bucket{le="100"} 9',
    'size_bucket{le="+Inf"} 12',
    'size_sum 2124',
    'size_count 12',
  ]);
  assert.equal(valueOf(text, 'prom_multiproc_conflicting_families', { reason: 'buckets' }), 1);
});

test('a misspelled aggregator is an error where the metric is created', async (t) => {
  const { workers } = await startCluster(t, withTempDir(t), 1);
  await assert.rejects(
    workers[0].run(({ prom }) => {
      new prom.Gauge({ name: 'inflight', help: 'Jobs under way', aggregator: 'summ' as 'sum' });
    }),
    /aggregator "summ" is not known: it is one of sum, max, min, average, first, omit/,
  );
});

test('a collect() that throws or rejects affects its own metric only, and is logged once', async (t) => {
  const { workers } = await startCluster(t, withTempDir(t), 1);
  await workers[0].run(({ prom }) => {
    const { Gauge } = prom;
    new Gauge({
      name: 'throws',
      help: 'x',
      collect() {
        throw new Error('the database is gone');
      },
    });
    new Gauge({ name: 'rejects', help: 'x', collect: () => Promise.reject(new Error('the cache is gone')) });
    new Gauge({
      name: 'works',
      help: 'x',
      collect() {
        this.set(7);
      },
    });
    new prom.Counter({ name: 'jobs_total', help: 'Jobs' }).inc();
  });
  for (let scrapes = 0; scrapes < 3; scrapes++) {
    const text = await scrape(workers[0]);
    assert.deepEqual([valueOf(text, 'works'), valueOf(text, 'jobs_total')], [7, 1]);
  }
  assert.equal(workers[0].output.match(/the database is gone/g)?.length, 1, workers[0].output);
  assert.equal(workers[0].output.match(/the cache is gone/g)?.length, 1);
});

test('the series of each process have its default labels', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t), 3);
  for (const [at, worker] of workers.entries()) {
    await worker.run(({ prom }, zone) => {
      prom.register.setDefaultLabels({ app: 'shop', zone });
      new prom.Counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] }).inc({ kind: 'a' }, 2);
    }, ['east', 'west', 'west'][at]);
  }
  assert.deepEqual(linesOf(await scrape(primary), 'jobs_total'), [
    'jobs_total{kind="a",app="shop",zone="east"} 2',
    'jobs_total{kind="a",app="shop",zone="west"} 4',
  ]);
  await workers[0].run(({ prom }) => prom.register.setDefaultLabels({ app: 'shop', zone: 'west' }));
  assert.deepEqual(linesOf(await scrape(primary), 'jobs_total'), ['jobs_total{kind="a",app="shop",zone="west"} 6']);
});

test('each request to a cluster gets the format that it asks for', needs('prometheus'), async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const worker of workers) {
    await worker.run(({ prom }) => {
      new prom.Counter({ name: 'jobs_total', help: 'Jobs' }).inc();
      new prom.Counter({ name: 'jobs_done', help: 'Jobs done' }).inc();
      new prom.Histogram({ name: 'size', help: 'Sizes', buckets: [1] }).observe(1);
      new prom.Summary({ name: 'wait', help: 'Waits' }).observe(1);
      new prom.Gauge({ name: 'load', help: 'Load', multiprocessMode: 'all' }).set(NaN);
    });
  }
  await written();
  const answers = await primary.look(async ({ prom }) => {
    const collector = new prom.MultiprocessCollector();
    const accepts = [undefined, 'application/openmetrics-text; version=1.0.0', 'text/plain;version=0.0.4'];
    const given = await Promise.all(accepts.map((accept) => collector.metrics({ accept })));
    return given.map(({ contentType, body }) => ({ contentType, text: Buffer.from(body).toString() }));
  });
  const [plain, openmetrics, text] = answers;
  assert.deepEqual(
    answers.map(({ contentType }) => contentType),
    [
      'text/plain; version=0.0.4; charset=utf-8',
      'application/openmetrics-text; version=1.0.0; charset=utf-8',
      'text/plain; version=0.0.4; charset=utf-8',
    ],
  );
  assert.equal(plain.text, text.text);
  for (const { text: body } of answers) assertSound(body);
  assert.deepEqual(openMetricsProblems(openmetrics.text), []);
  // names and labels do not depend on the format
  const series = (body: string) =>
    parseExposition(body).samples.map(({ name, labels }) => name + JSON.stringify(labels));
  assert.deepEqual(series(openmetrics.text), series(text.text));
  assert.equal(valueOf(openmetrics.text, 'jobs_done'), 2);
});

test('where one name has two types or helps the newest is shown; the other is counted and logged', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  await workers[0].run(({ prom }) => {
    new prom.Counter({ name: 'jobs', help: 'Jobs' }).inc(5);
    new prom.Counter({ name: 'parts_total', help: 'Parts' }).inc(5);
    return new Promise((resolve) => setTimeout(resolve, 10));
  });
  await workers[1].run(({ prom }) => {
    new prom.Gauge({ name: 'jobs', help: 'Jobs' }).set(7);
    new prom.Counter({ name: 'parts_total', help: 'Parts made' }).inc(7);
  });
  for (const how of ['', 'dead']) {
    const text = await scrape(primary);
    const { type, samples } = parseExposition(text).families.find(({ name }) => name === 'jobs')!;
    assert.deepEqual([type, samples.map(({ value }) => value)], ['gauge', how === '' ? [7] : []]);
    assert.ok(text.includes('# HELP parts_total Parts made\n'));
    assert.equal(valueOf(text, 'parts_total'), 12);
    assert.equal(valueOf(text, 'prom_multiproc_conflicting_families', { reason: 'type' }), 1);
    assert.equal(valueOf(text, 'prom_multiproc_conflicting_families', { reason: 'help' }), 1);
    if (how === '') await workers[1].kill('SIGKILL');
  }
  assert.match(primary.output, /processes declare the metric jobs differently \(type\)/);
  assert.match(primary.output, /processes declare the metric parts_total differently \(help\)/);
});

test('where one name has two gauge modes the newest is used and the conflict is counted', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const [at, mode] of (['max', 'sum'] as const).entries()) {
    await workers[at].run(
      ({ prom }, multiprocessMode, value) => {
        new prom.Gauge({ name: 'load', help: 'Load', multiprocessMode }).set(value);
        return new Promise((resolve) => setTimeout(resolve, 10));
      },
      mode,
      at + 1,
    );
  }
  const text = await scrape(primary);
  assert.equal(valueOf(text, 'load'), 3);
  assert.equal(valueOf(text, 'prom_multiproc_conflicting_families', { reason: 'gauge_mode' }), 1);
});

test('a metric that is created twice in a process is one series with all of its updates', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t), 1);
  await workers[0].run(({ prom }) => {
    const { Counter, Registry } = prom;
    const config = { name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] };
    for (const [name, amount] of [['a', 1] as const, ['b', 10] as const]) {
      new Counter({ ...config, registers: [new Registry(undefined, { name })] }).inc({ kind: 'a' }, amount);
    }
    // like a module that is loaded twice: the second metric is refused with an error
    new Counter(config).inc({ kind: 'a' }, 100);
    try {
      new Counter(config);
      throw new Error('it was not refused');
    } catch (error) {
      if (!/already been registered/.test(String(error))) throw error;
    }
    const again = prom.register.getSingleMetric('jobs_total');
    again.inc({ kind: 'a' }, 1000);
  });
  await written();
  const all = await primary.look(async ({ prom }) => {
    const collector = new prom.MultiprocessCollector({ registry: 'all' });
    return Buffer.from((await collector.metrics()).body).toString();
  });
  assertSound(all);
  assert.deepEqual(linesOf(all, 'jobs_total'), ['jobs_total{kind="a"} 1111']);
  assert.deepEqual(linesOf(await scrape(primary), 'jobs_total'), ['jobs_total{kind="a"} 1100']);
});

test("a registry that is cleared and filled again, as tests and hot reloads do, has the new metrics' values", async (t) => {
  const dir = withTempDir(t);
  const member = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
  await member.run(({ prom, kept }) => {
    kept.old = new prom.Counter({ name: 'jobs_total', help: 'Jobs' });
    kept.old.inc(5);
    prom.register.clear();
    kept.new = new prom.Counter({ name: 'jobs_total', help: 'Jobs' });
    kept.new.inc(2);
    kept.old.inc(50);
  });
  assert.equal(valueOf(await scrape(member), 'jobs_total'), 2);
});
