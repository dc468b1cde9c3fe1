import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { Registry, Summary } from 'prom-multiproc';
import { sharedStore } from '../../src/storage/process-store.js';

function clockAt(t: { after(fn: () => void): void }, seconds: number): { to(seconds: number): void } {
  let now = seconds * 1000;
  const clock = mock.method(Date, 'now', () => now);
  t.after(() => clock.mock.restore());
  return { to: (next) => void (now = next * 1000) };
}

async function medianOf(summary: Summary): Promise<number> {
  return (await summary.get()).values[0].value;
}

function isNear(value: number, exact: number): boolean {
  return Math.abs(value - exact) <= 0.0101 * Math.abs(exact);
}

describe('Summary', () => {
  it('has quantiles within 1 % of the exact ones, of values of any sign and size', async () => {
    const percentiles = [0, 0.1, 0.5, 0.9, 0.99, 1];
    const summary = new Summary({ name: 'a', help: 'A.', percentiles, registers: [] });
    const values = Array.from({ length: 1000 }, (_, at) => (at - 300) ** 3 / 7);
    for (const value of values) summary.observe(value);
    const { values: shown } = await summary.get();
    percentiles.forEach((percentile, at) => {
      assert.ok(isNear(shown[at].value, values[Math.floor(percentile * 999)]), `${percentile}: ${shown[at].value}`);
    });
    assert.equal(shown.at(-1)?.value, 1000);
  });

  it('slides: quantiles are those of the last maxAgeSeconds, sum and count those of all time', async (t) => {
    const clock = clockAt(t, 1_700_000_000);
    const settings = { maxAgeSeconds: 60, ageBuckets: 3, percentiles: [0.5], registers: [] };
    const summary = new Summary({ name: 'a', help: 'A.', ...settings });
    for (let count = 0; count < 10; count++) summary.observe(100);
    clock.to(1_700_000_030);
    for (let count = 0; count < 5; count++) summary.observe(1);
    assert.ok(isNear(await medianOf(summary), 100));
    clock.to(1_700_000_062);
    assert.ok(isNear(await medianOf(summary), 1));
    for (let count = 0; count < 5; count++) summary.observe(1000);
    clock.to(1_700_000_100);
    assert.ok(isNear(await medianOf(summary), 1000));
    clock.to(1_700_000_200);
    assert.equal(await medianOf(summary), 0);
    assert.deepEqual(
      (await summary.get()).values.slice(1).map(({ value }) => value),
      [6005, 20],
    );
  });

  it('still counts when the clock is set back or ahead', async (t) => {
    const clock = clockAt(t, 1_700_000_000);
    const summary = new Summary({
      name: 'a',
      help: 'A.',
      maxAgeSeconds: 60,
      ageBuckets: 3,
      percentiles: [0.5],
      registers: [],
    });
    summary.observe(1);
    for (const seconds of [1_800_000_000, 1_700_000_000, 1_600_000_000]) {
      clock.to(seconds);
      summary.observe(7);
      summary.observe(7);
      assert.ok(isNear(await medianOf(summary), 7), `at ${seconds}`);
    }
  });

  it('releases the memory of expired windows', async (t) => {
    const clock = clockAt(t, 1_700_000_000);
    const registry = new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { name: 'shared' });
    const settings = { maxAgeSeconds: 10, ageBuckets: 2, registers: [registry] };
    const summary = new Summary({ name: 'a', help: 'A.', ...settings });
    const chunks = (): number => {
      const family = [...sharedStore().families].find(({ declaration }) => declaration.name === 'a');
      return [...(family?.series ?? [])][0]?.attachments?.length ?? 0;
    };
    for (const value of [0.001, 1, 1000]) summary.observe(value);
    assert.equal(chunks(), 3);
    clock.to(1_700_000_008);
    summary.observe(1);
    await summary.get();
    assert.equal(chunks(), 3);
    clock.to(1_700_000_014);
    await summary.get();
    assert.equal(chunks(), 1);
    summary.observe(1000);
    assert.equal(chunks(), 2);
    registry.clear();
  });

  it('removes series with empty windows if pruneAgedBuckets is set', async (t) => {
    const clock = clockAt(t, 1_700_000_000);
    const settings = { maxAgeSeconds: 10, ageBuckets: 2, pruneAgedBuckets: true, registers: [] };
    const summary = new Summary({ name: 'a', help: 'A.', labelNames: ['x'], percentiles: [0.5], ...settings });
    const held = summary.labels('old');
    held.observe(1);
    clock.to(1_700_000_008);
    summary.observe({ x: 'new' }, 2);
    clock.to(1_700_000_014);
    assert.deepEqual(
      (await summary.get()).values.map(({ labels }) => labels.x),
      ['new', 'new', 'new'],
    );
    held.observe(5);
    assert.equal((await summary.get()).values.at(-1)?.value, 1, 'it starts from nothing');
  });

  it('refuses invalid percentiles and windows', () => {
    const make = (config: object) => () => new Summary({ name: 'a', help: 'A.', registers: [], ...config });
    for (const percentiles of [[1.5], [-0.1], [NaN], ['0.5']]) {
      assert.throws(make({ percentiles }), { code: 'ERR_INVALID_ARGUMENT' });
    }
    for (const ageBuckets of [1.5, -1, 5000]) {
      assert.throws(make({ maxAgeSeconds: 60, ageBuckets }), { code: 'ERR_INVALID_ARGUMENT' });
    }
    assert.throws(make({ maxAgeSeconds: -60, ageBuckets: 2 }), { code: 'ERR_INVALID_ARGUMENT' });
    make({ maxAgeSeconds: 60 })();
    make({ ageBuckets: 5 })();
  });
});
