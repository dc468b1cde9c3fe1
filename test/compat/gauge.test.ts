import { describe } from 'node:test';
import { sameAsPromClient } from './script.js';

describe('Gauge, as in prom-client', () => {
  sameAsPromClient('is set, goes up and goes down', async ({ client, registry, record }) => {
    const gauge = new client.Gauge({ name: 'level', help: 'Level.', registers: [registry] });
    record(await registry.metrics());
    gauge.set(10);
    gauge.inc();
    gauge.inc(2.5);
    gauge.dec();
    gauge.dec(20);
    gauge.inc({}, 3);
    record(await registry.metrics());
    gauge.set({}, -4);
    record(await gauge.get());
    gauge.set(Infinity);
    record(await registry.metrics());
    gauge.set(-Infinity);
    record(await registry.metrics());
    gauge.reset();
    record(await registry.metrics());
    gauge.remove();
    record(await registry.metrics());
    gauge.dec();
    record(await registry.metrics());
  });

  sameAsPromClient('has labels', async ({ client, registry, record }) => {
    const gauge = new client.Gauge({ name: 'level', help: 'Level.', labelNames: ['at', 'of'], registers: [registry] });
    const held = gauge.labels('top', 'tank');
    record(await registry.metrics());
    held.set(5);
    held.inc();
    held.dec(3);
    gauge.set({ at: 'top', of: 'tank' }, 8);
    gauge.inc({ at: 'top' });
    gauge.dec({ at: 'low', of: 1 }, 2);
    gauge.labels('low', '1').inc();
    gauge.inc();
    record(await registry.metrics());
    gauge.remove('top', 'tank');
    held.inc(2);
    record(await registry.metrics());
    gauge.reset();
    record(await registry.metrics());
  });

  sameAsPromClient(
    'is 0 before a callback sets it, and if the callback sets nothing',
    async ({ client, registry, record }) => {
      let runs = 0;
      const collect = function (this: { set(value: number): void }): void {
        if (++runs === 2) this.set(7);
      };
      new client.Gauge({ name: 'level', help: 'Level.', registers: [registry], collect });
      record(await registry.metrics());
      record(await registry.metrics());
      registry.resetMetrics();
      record(await registry.metrics());
      const gauge = new client.Gauge({ name: 'other', help: 'Other.', registers: [], collect: () => {} });
      record(await gauge.get());
      gauge.remove();
      record(await gauge.get());
    },
  );

  sameAsPromClient('refuses values that are not numbers', async ({ client, registry, record, attempt }) => {
    const gauge = new client.Gauge({ name: 'level', help: 'Level.', labelNames: ['at'], registers: [registry] });
    for (const value of ['5', undefined, null, {}, true, 7n]) {
      await attempt(() => gauge.set(value as never));
      await attempt(() => gauge.set({ at: 'x' }, value as never));
      await attempt(() => gauge.labels('x').set(value as never));
    }
    for (const value of ['5', null, true, 7n]) {
      await attempt(() => gauge.inc(value as never));
      await attempt(() => gauge.inc({ at: 'x' }, value as never));
      await attempt(() => gauge.dec({ at: 'y' }, value as never));
      await attempt(() => gauge.labels('x').inc(value as never));
    }
    await attempt(() => gauge.set({ of: 'x' } as never, 1));
    await attempt(() => gauge.set({ of: 'x' } as never, 'no' as never));
    await attempt(() => gauge.inc({ of: 'x' } as never));
    await attempt(() => gauge.labels({ of: 'x' } as never));
    await attempt(() => gauge.labels('x', 'y'));
    await attempt(() => gauge.remove({ of: 'x' } as never));
    await attempt(() => gauge.setToCurrentTime({ of: 'x' } as never));
    record(await registry.metrics());
  });

  sameAsPromClient('can be set to the current time and to durations', async ({ client, registry, record, wait }) => {
    const gauge = new client.Gauge({ name: 'level', help: 'Level.', labelNames: ['at', 'of'], registers: [registry] });
    gauge.setToCurrentTime();
    gauge.setToCurrentTime({ at: 'now' });
    gauge.labels('now', 'held').setToCurrentTime();
    record(await registry.metrics());
    const ends = [gauge.startTimer(), gauge.startTimer({ at: 'start' }), gauge.labels('a', 'b').startTimer()];
    wait(1.5);
    record(ends[0]());
    record(ends[1]({ of: 'end' }));
    record(ends[2]());
    wait(0.25);
    record(ends[0]({ at: 'late' }));
    record(ends[1]({ at: 'other' }));
    record(ends[2]({ of: 'c' }));
    record(await registry.metrics());
  });

  sameAsPromClient('returns its aggregator', async ({ client, registry, record }) => {
    for (const aggregator of ['sum', 'max', 'min', 'average', 'first', 'omit'] as const) {
      const gauge = new client.Gauge({
        name: `level_${aggregator}`,
        help: 'Level.',
        aggregator,
        registers: [registry],
      });
      gauge.set(1);
    }
    record(await registry.getMetricsAsJSON());
  });
});
