import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ValueType } from '@opentelemetry/api';
import { Registry } from 'prom-multiproc';
import { MeterProvider, type MeterProviderOptions } from 'prom-multiproc/otel';

function provider(options: MeterProviderOptions = {}): {
  readonly registry: Registry<any>;
  readonly metrics: MeterProvider;
} {
  const registry = new Registry<any>(undefined, { multiprocess: false });
  return { registry, metrics: new MeterProvider({ registry, scopeLabels: false, ...options }) };
}

/** The samples, without headings. */
async function samples(registry: Registry<any>): Promise<string[]> {
  return (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('MeterProvider', () => {
  it('shows each kind of instrument under the name, unit and type of the specification', async () => {
    const { registry, metrics } = provider({ scopeLabels: true, resource: { 'service.name': 'shop' } });
    const meter = metrics.getMeter('my.scope', '1.2', { schemaUrl: 'http://schema' });
    meter.createCounter('http.requests', { unit: '{request}', description: 'Requests.' }).add(2);
    meter.createUpDownCounter('queue.bytes', { unit: 'By' }).add(-3);
    meter.createGauge('cpu.used', { unit: '1' }).record(0.5);
    const duration = { unit: 's', advice: { explicitBucketBoundaries: [0.1, 1] } };
    meter.createHistogram('http.duration', duration).record(0.5);
    meter.createObservableCounter('cpu.time', { unit: 'ms' }).addCallback((result) => result.observe(7));
    meter.createObservableUpDownCounter('pool').addCallback((result) => result.observe(4));
    meter.createObservableGauge('speed', { unit: 'By/s' }).addCallback((result) => result.observe(9));
    const scope = 'otel_scope_name="my.scope",otel_scope_version="1.2",otel_scope_schema_url="http://schema"';
    assert.equal(
      await registry.metrics(),
      [
        '# HELP target_info Target metadata\n# TYPE target_info gauge\ntarget_info{service_name="shop"} 1\n',
        `# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\nhttp_requests_total{${scope}} 2\n`,
        `# HELP queue_bytes OpenTelemetry gauge\n# TYPE queue_bytes gauge\nqueue_bytes{${scope}} -3\n`,
        `# HELP cpu_used_ratio OpenTelemetry gauge\n# TYPE cpu_used_ratio gauge\ncpu_used_ratio{${scope}} 0.5\n`,
        '# HELP http_duration_seconds OpenTelemetry histogram\n# TYPE http_duration_seconds histogram',
        `http_duration_seconds_bucket{le="0.1",${scope}} 0\nhttp_duration_seconds_bucket{le="1",${scope}} 1`,
        `http_duration_seconds_bucket{le="+Inf",${scope}} 1\nhttp_duration_seconds_sum{${scope}} 0.5`,
        `http_duration_seconds_count{${scope}} 1\n`,
        '# HELP cpu_time_milliseconds_total OpenTelemetry counter\n# TYPE cpu_time_milliseconds_total counter',
        `cpu_time_milliseconds_total{${scope}} 7\n`,
        `# HELP pool OpenTelemetry gauge\n# TYPE pool gauge\npool{${scope}} 4\n`,
        `# HELP speed_bytes_per_second OpenTelemetry gauge\n# TYPE speed_bytes_per_second gauge`,
        `speed_bytes_per_second{${scope}} 9\n`,
      ].join('\n'),
    );
  });

  it('takes attributes of any name, order and type as labels', async () => {
    const { registry, metrics } = provider();
    const counter = metrics.getMeter('m').createCounter('hits');
    counter.add(1);
    counter.add(1, { code: 200, 'http.route': '/' });
    counter.add(1, { 'http.route': '/', code: '200' });
    counter.add(1, { ok: true, list: ['a', 1] as never, none: undefined });
    counter.add(1, { ok: 'true', list: '["a",1]' });
    // two names for one label: the values are joined in the order of the names
    counter.add(1, { a_b: 'second', 'a.b': 'first' });
    counter.add(1, { empty: '' });
    assert.deepEqual(await samples(registry), [
      // an empty label is for Prometheus the same as none
      'hits_total 2',
      'hits_total{code="200",http_route="/"} 2',
      'hits_total{list="[\\"a\\",1]",ok="true"} 2',
      'hits_total{a_b="first;second"} 1',
    ]);
  });

  it('keeps names with dots for scrapers that accept them, and the names of the SDK on request', async () => {
    const utf8 = provider({ nameValidation: 'utf8' });
    utf8.metrics.getMeter('m').createCounter('http.hits', { unit: 'By' }).add(1, { 'url.path': '/' });
    assert.equal((await utf8.registry.getMetricsAsJSON())[0].name, 'http.hits_bytes_total');
    assert.deepEqual(await samples(utf8.registry), ['http_hits_bytes_total{url_path="/"} 1']);
    const plain = provider({ unitSuffixes: false });
    plain.metrics.getMeter('m').createCounter('http.hits', { unit: 'By' }).add(1);
    assert.deepEqual(await samples(plain.registry), ['http_hits_total 1']);
  });

  it('drops and counts what cannot be added, and throws for nothing', async (t) => {
    const warn = t.mock.method(console, 'warn', () => {});
    const { registry, metrics } = provider();
    const meter = metrics.getMeter('m');
    const counter = meter.createCounter('odd');
    for (const value of [NaN, -1, Infinity, '1', null, undefined]) counter.add(value as number);
    const histogram = meter.createHistogram('odd.times');
    for (const value of [NaN, -1, Infinity, '1']) histogram.record(value as number);
    meter.createUpDownCounter('odd.level').add(NaN);
    meter.createGauge('odd.gauge').record(NaN);
    meter.createCounter('whole', { valueType: ValueType.INT }).add(2.9);
    meter.createCounter('').add(1);
    assert.deepEqual(await samples(registry), ['whole_total 2']);
    assert.match(String(warn.mock.calls[0].arguments[0]), /odd_total was given NaN, which cannot be added/);
  });

  it('counts instruments of several meters in one metric, and warns of one that is of another kind', async (t) => {
    const warn = t.mock.method(console, 'warn', () => {});
    const { registry, metrics } = provider({ scopeLabels: true });
    for (const scope of ['a', 'b', 'a']) metrics.getMeter(scope).createCounter('shared').add(1);
    metrics.getMeter('c').createUpDownCounter('shared_total').add(5);
    metrics.getMeter('c').createHistogram('shared.total').record(5);
    const counts = (await samples(registry)).filter((line) => line.startsWith('shared_total{'));
    assert.deepEqual(counts, ['shared_total{otel_scope_name="a"} 2', 'shared_total{otel_scope_name="b"} 1']);
    assert.match(
      String(warn.mock.calls[0].arguments[0]),
      /a second instrument with the name shared_total .* counts nothing/,
    );
  });
});

describe('views', () => {
  it('rename, drop, and keep some attributes', async () => {
    const { registry, metrics } = provider({
      views: [
        { instrument: 'noise.*', drop: true },
        { instrument: 'http.?its', meter: 'we*', name: 'web.requests', attributeKeys: ['code', 'method'] },
      ],
    });
    metrics.getMeter('web').createCounter('noise.level').add(1);
    const hits = metrics.getMeter('web').createCounter('http.hits');
    for (let user = 0; user < 5; user++) hits.add(1, { code: 200, user });
    hits.add(1, { user: 7 });
    metrics.getMeter('other').createCounter('http.hits').add(1, { user: 7 });
    assert.deepEqual(await samples(registry), [
      'web_requests_total{code="200"} 5',
      'web_requests_total 1',
      'http_hits_total{user="7"} 1',
    ]);
  });

  it('set boundaries, native buckets, the mode of a gauge and the most series', async (t) => {
    t.mock.method(console, 'warn', () => {});
    const { registry, metrics } = provider({
      views: [
        { instrument: 'classic', boundaries: [1, 2] },
        { instrument: 'native', nativeBucketFactor: 1.1 },
        { instrument: 'level', gaugeMode: 'max' },
        { instrument: 'few', maxSeries: 2 },
      ],
    });
    const meter = metrics.getMeter('m');
    meter.createHistogram('classic').record(1.5);
    meter.createHistogram('native').record(1.5);
    meter.createGauge('level').record(3);
    for (let id = 0; id < 5; id++) meter.createCounter('few').add(1, { id });
    assert.deepEqual(await samples(registry), [
      'classic_bucket{le="1"} 0',
      'classic_bucket{le="2"} 1',
      'classic_bucket{le="+Inf"} 1',
      'classic_sum 1.5',
      'classic_count 1',
      'native_bucket{le="+Inf"} 1',
      'native_sum 1.5',
      'native_count 1',
      'level 3',
      'few_total{id="0"} 1',
      'few_total{id="1"} 1',
    ]);
    assert.equal(registry.getSingleMetric('level').multiprocessMode, 'max');
  });

  it('are refused without a name pattern', () => {
    assert.throws(() => provider({ views: [{} as never] }), { code: 'ERR_INVALID_ARGUMENT' });
  });
});

describe('observable instruments', () => {
  it('run a batch callback once for all metrics that are read together', async () => {
    const { registry, metrics } = provider();
    const meter = metrics.getMeter('m');
    const [used, free, stranger] = ['used', 'free', 'stranger'].map((name) => meter.createObservableGauge(name));
    let calls = 0;
    const observe = (result: { observe: (...args: any[]) => void }): void => {
      calls++;
      result.observe(used, calls, { cpu: 0 });
      result.observe(free, 10 - calls, { cpu: 0 });
      result.observe(stranger, 1);
    };
    meter.addBatchObservableCallback(observe, [used, free]);
    assert.deepEqual(await samples(registry), ['used{cpu="0"} 1', 'free{cpu="0"} 9']);
    assert.deepEqual(await samples(registry), ['used{cpu="0"} 2', 'free{cpu="0"} 8']);
    meter.removeBatchObservableCallback(observe, [used, free]);
    await registry.metrics();
    assert.equal(calls, 2);
  });

  it('show a gauge only while it is observed, and add to a counter what its total has grown by', async () => {
    const { registry, metrics } = provider();
    const meter = metrics.getMeter('m');
    let total = 5;
    const places = ['a', 'b'];
    meter.createObservableCounter('done').addCallback((result) => result.observe(total, { of: 'x' }));
    meter.createObservableGauge('level').addCallback((result) => {
      for (const place of places) result.observe(1, { place });
    });
    assert.deepEqual(await samples(registry), ['done_total{of="x"} 5', 'level{place="a"} 1', 'level{place="b"} 1']);
    total = 7;
    places.pop();
    assert.deepEqual(await samples(registry), ['done_total{of="x"} 7', 'level{place="a"} 1']);
    total = 2;
    assert.deepEqual(await samples(registry), ['done_total{of="x"} 9', 'level{place="a"} 1']);
  });

  it('take the last of several values for the same attributes', async () => {
    const { registry, metrics } = provider();
    metrics
      .getMeter('m')
      .createObservableCounter('done')
      .addCallback((result) => {
        for (const total of [7, 5]) result.observe(total, { of: 'x' });
      });
    for (let round = 0; round < 2; round++) assert.deepEqual(await samples(registry), ['done_total{of="x"} 5']);
  });

  it('leave out the metrics of a callback that fails, and of no other', async (t) => {
    const warn = t.mock.method(console, 'warn', () => {});
    const { registry, metrics } = provider();
    const meter = metrics.getMeter('m');
    meter.createObservableGauge('good').addCallback(async (result) => result.observe(1));
    meter.createObservableGauge('bad').addCallback(() => Promise.reject(new Error('the disk is gone')));
    assert.deepEqual(await samples(registry), ['good 1']);
    assert.match(String(warn.mock.calls[0].arguments[0]), /a callback of bad failed: the disk is gone/);
  });
});
