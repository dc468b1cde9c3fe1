import { describe } from 'node:test';
import { sameAsPromClient } from './script.js';

describe('Counter, as in prom-client', () => {
  sameAsPromClient('counts without labels from 0', async ({ client, registry, record }) => {
    const counter = new client.Counter({ name: 'jobs_total', help: 'Jobs.', registers: [registry] });
    record(await registry.metrics());
    counter.inc();
    counter.inc(5);
    counter.inc(0);
    counter.inc(0.5);
    counter.inc(undefined);
    counter.inc(null as never);
    counter.inc({});
    counter.inc({}, 7);
    record(await registry.metrics());
    record(await counter.get());
  });

  sameAsPromClient(
    'counts by labels: all of them, some of them, and numbers as values',
    async ({ client, registry, record }) => {
      const labelNames = ['method', 'code'];
      const counter = new client.Counter({ name: 'jobs_total', help: 'Jobs.', labelNames, registers: [registry] });
      record(await registry.metrics());
      counter.inc({ method: 'GET', code: 200 });
      counter.inc({ method: 'GET', code: '200' }, 2);
      counter.inc({ method: 'GET', code: 200 });
      counter.inc({ method: 'GET' });
      counter.inc({ code: 500 });
      counter.inc();
      counter.inc({});
      counter.labels('POST', '201').inc();
      counter.labels('POST', 201 as never).inc(3);
      counter.labels({ method: 'POST', code: 201 }).inc();
      counter.labels({ method: 'PUT' }).inc();
      record(await registry.metrics());
      record(await counter.get());
    },
  );

  sameAsPromClient('prints values of any kind', async ({ client, registry, record }) => {
    const counter = new client.Counter({ name: 'jobs_total', help: 'Jobs.', labelNames: ['a'], registers: [registry] });
    for (const value of [true, null, undefined, 1.5, -0, NaN, Infinity, 10n, '', ['x', 'y'], 'q"u\\o\nte', 'é😀']) {
      counter.inc({ a: value as never });
    }
    counter.labels(false as never).inc();
    record(await registry.metrics());
  });

  sameAsPromClient('refuses invalid increases', async ({ client, registry, record, attempt }) => {
    const counter = new client.Counter({ name: 'jobs_total', help: 'Jobs.', labelNames: ['a'], registers: [registry] });
    for (const value of [-1, -0.5, Infinity, -Infinity, '5', 'x', {}, [], true, () => {}]) {
      await attempt(() => counter.inc({ a: 'x' }, value as never));
      await attempt(() => counter.labels('x').inc(value as never));
    }
    for (const value of [-1, Infinity, '5', true]) await attempt(() => counter.inc(value as never));
    record(await registry.metrics());
  });

  sameAsPromClient('refuses labels that were not declared', async ({ client, registry, record, attempt }) => {
    const names = { name: 'jobs_total', help: 'Jobs.', labelNames: ['method', 'code'], registers: [registry] };
    const counter = new client.Counter(names);
    await attempt(() => counter.inc({ method: 'GET', route: '/' } as never));
    await attempt(() => counter.inc({ route: '/' } as never, -1));
    await attempt(() => counter.labels({ route: '/' } as never).inc());
    await attempt(() => counter.labels('GET'));
    await attempt(() => counter.labels('GET', '200', 'x'));
    await attempt(() => counter.labels());
    await attempt(() => counter.remove('GET'));
    await attempt(() => counter.remove({ route: '/' } as never));
    const bare = new client.Counter({ name: 'bare_total', help: 'Bare.', registers: [registry] });
    await attempt(() => bare.inc({ a: 1 } as never));
    await attempt(() => bare.labels('x'));
    record(await registry.metrics());
  });

  sameAsPromClient('removes and resets', async ({ client, registry, record }) => {
    const counter = new client.Counter({
      name: 'jobs_total',
      help: 'Jobs.',
      labelNames: ['a', 'b'],
      registers: [registry],
    });
    const held = counter.labels('x', 'y');
    held.inc(3);
    counter.inc({ a: 'z' });
    counter.inc({ a: 'q', b: 'r' });
    counter.remove('x', 'y');
    counter.remove({ a: 'z' });
    counter.remove('never', 'seen');
    counter.inc({ a: 'vm1' });
    counter.remove('vm1', undefined as never);
    record(await registry.metrics());
    counter.inc({ a: 'vm2', b: undefined });
    counter.remove({ a: 'vm2' });
    counter.inc({ a: 'vm3', b: undefined });
    counter.remove({ a: 'vm3', b: undefined });
    record(await registry.metrics());
    held.inc();
    counter.inc({ a: 'z' }, 2);
    record(await registry.metrics());
    counter.reset();
    record(await registry.metrics());
    held.inc(9);
    record(await registry.metrics());
    const bare = new client.Counter({ name: 'bare_total', help: 'Bare.', registers: [registry] });
    bare.inc(4);
    bare.reset();
    record(await bare.get());
    bare.inc();
    bare.remove();
    record(await bare.get());
    bare.inc();
    record(await bare.get());
  });

  sameAsPromClient('collects before it is read', async ({ client, registry, record, attempt }) => {
    let calls = 0;
    const counter = new client.Counter({
      name: 'jobs_total',
      help: 'Jobs.',
      registers: [registry],
      collect() {
        calls++;
        this.inc(10);
      },
    });
    record(await registry.metrics());
    record(await counter.get());
    record(await registry.getMetricsAsJSON());
    record(await registry.getSingleMetricAsString('jobs_total'));
    record(calls);
    const later = new client.Counter({
      name: 'later_total',
      help: 'Later.',
      registers: [registry],
      async collect() {
        await Promise.resolve();
        this.inc(2);
      },
    });
    record(later instanceof client.Counter);
    record(await registry.metrics());
    const failing = new client.Counter({
      name: 'failing_total',
      help: 'Failing.',
      registers: [],
      collect() {
        throw new RangeError('out of order');
      },
    });
    await attempt(() => failing.get());
  });
});
