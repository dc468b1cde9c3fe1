import { describe } from 'node:test';
import { sameAsPromClient } from './script.js';

/**
 * All observed values are equal, so that every quantile is the same; differences between digest and sketch have their own
 * tests.
 */
describe('Summary, as in prom-client', () => {
  sameAsPromClient('shows quantiles, sum and count', async ({ client, registry, record }) => {
    const summary = new client.Summary({ name: 'size_bytes', help: 'Size.', registers: [registry] });
    record(await registry.metrics());
    summary.observe(100);
    summary.observe(100);
    record(await registry.metrics());
    record(await summary.get());
    summary.reset();
    record(await registry.metrics());
    summary.observe(-3);
    record(await registry.metrics());
    summary.remove();
    record(await registry.metrics());
  });

  sameAsPromClient('has labels and configured percentiles', async ({ client, registry, record }) => {
    const summary = new client.Summary({
      name: 'size_bytes',
      help: 'Size.',
      percentiles: [0.5, 0.9],
      labelNames: ['a', 'b'],
      registers: [registry],
    });
    record(await registry.metrics());
    const held = summary.labels('x', 'y');
    held.observe(7);
    summary.observe({ a: 'x', b: 'y' }, 7);
    summary.observe({ a: 'z' }, 1.5);
    summary.observe(3);
    summary.observe({}, 3);
    summary.observe({ b: 'zero' }, 0);
    record(await registry.metrics());
    summary.remove('x', 'y');
    held.observe(8);
    record(await registry.getSingleMetricAsString('size_bytes'));
    summary.reset();
    record(await registry.metrics());
  });

  sameAsPromClient('removes old observations from its quantiles', async ({ client, registry, record, wait }) => {
    const settings = { help: 'Size.', percentiles: [0.5], maxAgeSeconds: 60, ageBuckets: 6, registers: [registry] };
    const summary = new client.Summary({ name: 'size_bytes', ...settings });
    const pruned = new client.Summary({ name: 'pruned', labelNames: ['a'], pruneAgedBuckets: true, ...settings });
    summary.observe(5);
    pruned.observe({ a: 'x' }, 5);
    wait(25);
    record(await registry.metrics());
    wait(100);
    record(await registry.metrics());
    pruned.observe({ a: 'x' }, 5);
    summary.observe(5);
    record(await registry.metrics());
  });

  sameAsPromClient('refuses values that are not finite numbers', async ({ client, registry, record, attempt }) => {
    const summary = new client.Summary({ name: 'size', help: 'Size.', labelNames: ['a'], registers: [registry] });
    for (const value of [NaN, Infinity, '5', undefined, null, true, { b: 1 }]) {
      await attempt(() => summary.observe({ a: 'x' }, value as never));
      await attempt(() => summary.labels('x').observe(value as never));
      await attempt(() => summary.observe(value as never));
    }
    await attempt(() => summary.observe({ b: 'x' } as never, 1));
    await attempt(() => summary.labels({ b: 'x' } as never));
    await attempt(() => summary.labels('x', 'y'));
    await attempt(() => summary.remove());
    await attempt(() => new client.Summary({ name: 'x', help: 'x', labelNames: ['quantile'], registers: [] }));
    record(await registry.metrics());
  });

  sameAsPromClient('measures durations', async ({ client, registry, record, wait }) => {
    const summary = new client.Summary({ name: 'took', help: 'Took.', labelNames: ['a', 'b'], registers: [registry] });
    const ends = [summary.startTimer(), summary.startTimer({ a: 'start' }), summary.labels('x', 'y').startTimer()];
    wait(2);
    record(ends[0]());
    record(ends[1]({ b: 'end' }));
    record(ends[2]());
    record(ends[2]({ b: 'z' }));
    record(await registry.metrics());
  });
});
