import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { Gauge, Registry } from 'prom-multiproc';
import { sharedStore } from '../../src/storage/process-store.js';

/** Returns value and set-at of a gauge's only series, as other processes find them. */
function slots(name: string): [value: number, setAt: number] {
  for (const family of sharedStore().families) {
    if (family.declaration.name !== name) continue;
    for (const { view, index } of family.series) return [view[index], view[index + 1]];
  }
  throw new Error(`no series of ${name}`);
}

describe('Gauge', () => {
  it('is unset before its first write and after a reset, though it shows 0', async () => {
    const registry = new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { name: 'shared' });
    const gauge = new Gauge({ name: 'unset', help: 'U.', registers: [registry] });
    assert.deepEqual(slots('unset'), [0, 0]);
    assert.match(await registry.metrics({ scope: 'process' }), /^unset 0$/m);
    gauge.set(0);
    assert.ok(slots('unset')[1] > 0);
    gauge.reset();
    assert.deepEqual(slots('unset'), [0, 0]);
    registry.clear();
  });

  it('is set even if the clock shows the time 0', async (t) => {
    const clock = mock.method(Date, 'now', () => 0);
    t.after(() => clock.mock.restore());
    const registry = new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { name: 'shared' });
    const gauge = new Gauge({ name: 'early', help: 'E.', labelNames: ['kind'], registers: [registry] });
    gauge.set({ kind: 'a' }, 5);
    assert.ok(slots('early')[1] > 0);
    assert.match(await registry.metrics(), /^early\{kind="a"\} 5$/m);
    registry.clear();
  });

  it('stores the time of every write in the modes that need it, and of the first one in the others', (t) => {
    let now = 1_700_000_000_000;
    const clock = mock.method(Date, 'now', () => now);
    t.after(() => clock.mock.restore());
    const registers = [new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { name: 'shared' })];
    const recent = new Gauge({ name: 'recent', help: 'R.', multiprocessMode: 'livemostrecent', registers });
    const summed = new Gauge({ name: 'summed', help: 'S.', registers });
    for (const write of [
      (gauge: Gauge) => gauge.set(5),
      (gauge: Gauge) => gauge.inc(),
      (gauge: Gauge) => gauge.dec(2),
    ]) {
      now += 1000;
      write(recent);
      write(summed);
    }
    assert.deepEqual(slots('recent'), [4, 1_700_000_003]);
    assert.deepEqual(slots('summed'), [4, 1_700_000_001]);
    registers[0].clear();
  });

  it('knows how it is merged', () => {
    const make = (config: object): string =>
      new Gauge({ name: 'a', help: 'A.', registers: [], ...config }).multiprocessMode;
    assert.equal(make({}), 'livesum');
    assert.equal(make({ multiprocessMode: 'all' }), 'all');
    assert.equal(make({ aggregator: 'max' }), 'livemax');
    assert.throws(() => make({ multiprocessMode: 'summ' }), {
      code: 'ERR_INVALID_ARGUMENT',
      message: /"summ".*livesum/,
    });
    assert.throws(() => make({ aggregator: 'summ' }), { code: 'ERR_INVALID_ARGUMENT', message: /"summ".*average/ });
    assert.throws(() => make({ aggregator: 'max', multiprocessMode: 'max' }), { code: 'ERR_INVALID_ARGUMENT' });
    assert.throws(() => make({ multiprocessMode: 'all', labelNames: ['pid'] }), { code: 'ERR_INVALID_ARGUMENT' });
    assert.equal(make({ multiprocessMode: 'max', labelNames: ['pid'] }), 'max');
  });

  it('registers nothing when its constructor throws', () => {
    const registry = new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { name: 'shared' });
    const families = sharedStore().families.size;
    assert.throws(() => new Gauge({ name: 'a', help: 'A.', aggregator: 'summ' as never, registers: [registry] }));
    const other = new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { name: 'other' });
    const there = new Gauge({ name: 'a', help: 'A.', registers: [other] });
    assert.throws(() => new Gauge({ name: 'a', help: 'A.', registers: [registry, other] }), /already been registered/);
    assert.deepEqual(registry.getMetricsAsArray(), []);
    assert.deepEqual(other.getMetricsAsArray(), [there]);
    assert.equal(sharedStore().families.size, families + 1);
    other.clear();
  });
});

it('processWide is true or false', () => {
  const config = { name: 'memory_bytes', help: 'Memory', registers: [] };
  assert.throws(() => new Gauge({ ...config, processWide: 'yes' as never }), {
    code: 'ERR_INVALID_ARGUMENT',
    message: "processWide is true or false, not 'yes'",
  });
  new Gauge({ ...config, processWide: false });
});
