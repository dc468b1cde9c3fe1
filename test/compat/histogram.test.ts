import { describe } from 'node:test';
import { sameAsPromClient } from './script.js';

describe('Histogram, as in prom-client', () => {
  sameAsPromClient('counts in buckets', async ({ client, registry, record }) => {
    const histogram = new client.Histogram({ name: 'took_seconds', help: 'Took.', registers: [registry] });
    record(await registry.metrics());
    for (const value of [0, 0.005, 0.0050001, 0.3, 1, 9.99, 10, 11, -4, 1e300]) histogram.observe(value);
    record(await registry.metrics());
    record(await histogram.get());
    record(await (histogram as unknown as { getForPromString(): unknown }).getForPromString());
  });

  sameAsPromClient('has labels and configured buckets', async ({ client, registry, record }) => {
    const histogram = new client.Histogram({
      name: 'took_seconds',
      help: 'Took.',
      labelNames: ['method', 'code'],
      buckets: [0.1, 0.5, 1],
      registers: [registry],
    });
    record(await registry.metrics());
    const held = histogram.labels('GET', '200');
    held.observe(0.3);
    histogram.observe({ method: 'GET', code: 200 }, 0.7);
    histogram.observe({ method: 'PUT' }, 4);
    histogram.observe({ code: 500 }, 0.1);
    histogram.observe(0.2);
    histogram.observe({}, 0.6);
    histogram.zero({ method: 'GET', code: '404' });
    record(await registry.metrics());
    record(await histogram.get());
    histogram.remove('GET', '200');
    held.observe(2);
    histogram.remove({ method: 'PUT' });
    record(await registry.metrics());
    histogram.reset();
    record(await registry.metrics());
    held.observe(0.1);
    record(await registry.metrics());
  });

  sameAsPromClient('accepts many buckets', async ({ client, registry, record }) => {
    const buckets = client.exponentialBuckets(0.001, 1.5, 40);
    const histogram = new client.Histogram({ name: 'took_seconds', help: 'Took.', buckets, registers: [registry] });
    for (const bound of buckets) for (const value of [bound, bound * 1.0001, bound * 0.9999]) histogram.observe(value);
    record((await registry.metrics()).replace(/_sum .*/, ''));
    const linear = client.linearBuckets(0, 10, 5);
    new client.Histogram({ name: 'other', help: 'Other.', buckets: linear, registers: [registry] }).observe(25);
    record(await registry.getSingleMetricAsString('other'));
    new client.Histogram({ name: 'none', help: 'None.', buckets: [], registers: [registry] }).observe(25);
    record(await registry.getSingleMetricAsString('none'));
  });

  sameAsPromClient('refuses values that are not finite numbers', async ({ client, registry, record, attempt }) => {
    const histogram = new client.Histogram({ name: 'took', help: 'Took.', labelNames: ['a'], registers: [registry] });
    for (const value of [NaN, Infinity, -Infinity, '5', '', undefined, null, {}, true, false]) {
      await attempt(() => histogram.observe({ a: 'x' }, value as never));
      await attempt(() => histogram.labels('x').observe(value as never));
      await attempt(() => histogram.observe(value as never));
    }
    await attempt(() => histogram.observe({ b: 'x' } as never, 1));
    await attempt(() => histogram.observe({ b: 'x' } as never, NaN));
    await attempt(() => histogram.labels({ b: 'x' } as never));
    await attempt(() => histogram.labels());
    await attempt(() => histogram.remove('x', 'y'));
    await attempt(() => new client.Histogram({ name: 'x', help: 'x', labelNames: ['le'], registers: [] }));
    record(await registry.metrics());
  });

  sameAsPromClient('measures durations', async ({ client, registry, record, wait }) => {
    const histogram = new client.Histogram({
      name: 'took',
      help: 'Took.',
      labelNames: ['a', 'b'],
      registers: [registry],
    });
    const ends = [
      histogram.startTimer(),
      histogram.startTimer({ a: 'start' }),
      histogram.labels('x', 'y').startTimer(),
    ];
    wait(0.75);
    record(ends[0]());
    record(ends[2]());
    record(ends[1]({ b: 'end' }));
    wait(2);
    record(ends[0]({ a: 'late' }));
    record(ends[2]({ b: 'z' }));
    record(await registry.metrics());
  });
});
