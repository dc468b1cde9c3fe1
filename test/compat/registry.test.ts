import { describe } from 'node:test';
import { sameAsPromClient } from './script.js';

describe('Registry, as in prom-client', () => {
  sameAsPromClient('is empty at first', async ({ registry, record, attempt }) => {
    record(await registry.metrics());
    record(await registry.getMetricsAsJSON());
    record(registry.getMetricsAsArray());
    record(registry.getSingleMetric('nothing'));
    await attempt(() => registry.removeSingleMetric('nothing'));
    await attempt(() => registry.clear());
    await attempt(() => registry.resetMetrics());
  });

  sameAsPromClient('shows metrics in the order of their registration', async ({ client, registry, record }) => {
    const registers = [registry];
    const b = new client.Counter({ name: 'b_total', help: 'B.', registers });
    const a = new client.Gauge({ name: 'a', help: 'A.', labelNames: ['x'], registers });
    const c = new client.Histogram({ name: 'c', help: 'C.', buckets: [1], registers });
    b.inc(2);
    a.set({ x: 'z' }, 1);
    a.set({ x: 'y' }, 2);
    c.observe(3);
    record(await registry.metrics());
    record(registry.getMetricsAsArray().map(({ name }) => name));
    record(registry.getSingleMetric('a') === a);
    record(await registry.getSingleMetricAsString('c'));
    registry.removeSingleMetric('b_total');
    record(await registry.metrics());
    b.inc();
    registry.registerMetric(b);
    record(await registry.metrics());
    registry.resetMetrics();
    a.set({ x: 'after' }, 1);
    c.observe(1);
    record(await registry.metrics());
    registry.clear();
    record(await registry.metrics());
    b.inc(5);
    registry.registerMetric(b);
    record(await registry.metrics());
  });

  sameAsPromClient('accepts each name once', async ({ client, registry, record, attempt }) => {
    const settings = { name: 'a', help: 'A.', registers: [registry] };
    const first = new client.Counter(settings);
    await attempt(() => new client.Counter(settings));
    await attempt(() => new client.Gauge({ ...settings, help: 'Other.' }));
    await attempt(() => registry.registerMetric(first));
    first.inc();
    record(await registry.metrics());
  });

  sameAsPromClient('has default labels', async ({ client, registry, record }) => {
    const registers = [registry];
    registry.setDefaultLabels({ app: 'shop', zone: 3 });
    new client.Counter({ name: 'a_total', help: 'A.', labelNames: ['zone'], registers }).inc({ zone: 'own' });
    new client.Gauge({ name: 'b', help: 'B.', registers }).set(1);
    const histogram = new client.Histogram({
      name: 'c',
      help: 'C.',
      buckets: [1],
      labelNames: ['app', 'm'],
      registers,
    });
    histogram.observe({ app: 'own', m: 'GET' }, 2);
    histogram.observe({ m: 'GET' }, 0);
    new client.Summary({ name: 'd', help: 'D.', percentiles: [0.5], labelNames: ['m'], registers }).observe(
      { m: 'x' },
      1,
    );
    record(await registry.metrics());
    record(await registry.getSingleMetricAsString('c'));
    registry.setDefaultLabels({});
    record(await registry.getSingleMetricAsString('b'));
    registry.setDefaultLabels({ app: 'x' });
    record(await registry.getMetricsAsJSON());
    registry.clear();
    new client.Gauge({ name: 'b', help: 'B.', registers }).set(1);
    record(await registry.metrics());
  });

  sameAsPromClient('has two content types', async ({ client, registry, record, attempt }) => {
    record(client.Registry.PROMETHEUS_CONTENT_TYPE);
    record(client.Registry.OPENMETRICS_CONTENT_TYPE);
    record(client.prometheusContentType);
    record(client.openMetricsContentType);
    record(registry.contentType);
    registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE as never);
    record(registry.contentType);
    await attempt(() => registry.setContentType('text/html' as never));
    await attempt(() => new (client.Registry as any)('text/html'));
    record(new (client.Registry as any)(client.Registry.OPENMETRICS_CONTENT_TYPE).contentType);
  });

  sameAsPromClient('merges', async ({ client, registry, record, attempt }) => {
    const other = new client.Registry();
    new client.Counter({ name: 'a_total', help: 'A.', registers: [registry] }).inc();
    new client.Counter({ name: 'b_total', help: 'B.', registers: [other] }).inc(2);
    record(await client.Registry.merge([registry, other]).metrics());
    const both = new client.Counter({ name: 'c_total', help: 'C.', registers: [registry, other] });
    both.inc(3);
    record(await client.Registry.merge([registry, other]).getMetricsAsJSON());
    const again = new client.Counter({ name: 'a_total', help: 'A.', registers: [other] });
    again.inc();
    await attempt(() => client.Registry.merge([registry, other]));
    const openMetrics = new client.Registry();
    openMetrics.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE as never);
    await attempt(() => client.Registry.merge([registry, openMetrics]));
  });

  sameAsPromClient('accepts metrics of other packages', async ({ registry, record }) => {
    registry.registerMetric({
      name: 'foreign',
      get: () => ({
        name: 'foreign',
        help: 'From elsewhere.',
        type: 'gauge',
        values: [
          { value: 1, labels: { a: 1 } },
          { value: 2, labels: {}, metricName: 'foreign_more' },
        ],
        aggregator: 'max',
      }),
    } as never);
    registry.setDefaultLabels({ app: 'shop' });
    record(await registry.metrics());
    record(await registry.getMetricsAsJSON());
  });

  sameAsPromClient('is the default one if a metric has no option registers', async ({ client, record }) => {
    const counter = new client.Counter({ name: 'a_total', help: 'A.' });
    const unregistered = new client.Counter({ name: 'b_total', help: 'B.', registers: [] });
    const undecided = new client.Counter({ name: 'c_total', help: 'C.', registers: undefined });
    undecided.inc();
    counter.inc();
    unregistered.inc();
    record(await client.register.metrics());
    client.register.registerMetric(unregistered);
    unregistered.inc();
    record(await client.register.metrics());
    record(client.register.getSingleMetric('a_total') === counter);
  });

  sameAsPromClient('refuses objects that are not metrics', async ({ client, registry, record, attempt }) => {
    const { Counter, Gauge } = client;
    const registers = [registry];
    const wrong: unknown[] = [
      undefined,
      null,
      'a',
      {},
      { name: 'a' },
      { help: 'A.' },
      { name: '', help: 'A.' },
      { name: 'a-b', help: 'A.' },
      { name: '1a', help: 'A.' },
      { name: 'a', help: '' },
      { name: 'a', help: 'A.', labelNames: ['x-y'] },
      { name: 'a', help: 'A.', labelNames: ['1'] },
      { name: 'a', help: 'A.', collect: 'no' },
    ];
    for (const config of wrong) {
      const settings = typeof config === 'object' && config !== null ? { ...config, registers } : config;
      await attempt(() => void new Counter(settings as never));
      await attempt(() => void new Gauge(settings as never));
    }
    record(await registry.metrics());
    for (const name of ['a', 'a:b', '_', 'A1', '', '1', 'a-b', 'ä']) record(client.validateMetricName(name));
  });

  sameAsPromClient('makes buckets', async ({ client, attempt }) => {
    await attempt(() => client.linearBuckets(0, 50, 10));
    await attempt(() => client.linearBuckets(0, 50, 0));
    await attempt(() => client.exponentialBuckets(1, 2, 5));
    await attempt(() => client.exponentialBuckets(0.1, 1.1, 7));
    await attempt(() => client.exponentialBuckets(0, 2, 5));
    await attempt(() => client.exponentialBuckets(1, 1, 5));
    await attempt(() => client.exponentialBuckets(1, 2, 0));
  });
});
