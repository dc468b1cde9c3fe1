import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Counter, Gauge, Histogram, Registry } from 'prom-multiproc';
import { sharedStore } from '../../src/storage/process-store.js';
import { localRegistry, openMetricsRegistry } from '../support/local-registry.js';

describe('A metric', () => {
  it('has a unit if its name ends with it', async () => {
    const registry = openMetricsRegistry();
    const registers = [registry];
    new Counter({ name: 'sent_bytes_total', help: 'Sent.', unit: 'bytes', registers }).inc();
    new Histogram({ name: 'took_seconds', help: 'Took.', unit: 'seconds', buckets: [], registers }).observe(1);
    const text = await registry.metrics();
    assert.match(text, /^# TYPE sent_bytes counter\n# UNIT sent_bytes bytes\nsent_bytes_total 1$/m);
    assert.match(text, /^# UNIT took_seconds seconds$/m);
    for (const unit of ['bits', 'b-s', '', 5 as never]) {
      assert.throws(() => new Gauge({ name: 'sent_bytes', help: 'Sent.', unit, registers: [] }), {
        code: 'ERR_INVALID_ARGUMENT',
      });
    }
  });

  it('declares only options that were given', () => {
    const registers = [new Registry(undefined, { name: 'plain' })];
    new Counter({ name: 'plain_total', help: 'Plain.', registers }).inc();
    const family = [...sharedStore().families].find(({ declaration }) => declaration.name === 'plain_total');
    assert.deepEqual(family?.declaration, { name: 'plain_total', help: 'Plain.', type: 'counter', labelNames: [] });
    registers[0].clear();
  });

  it('stores its help as a string, whatever the type was', async () => {
    const gauge = new Gauge({ name: 'a', help: 42 as never, registers: [] });
    assert.equal((await gauge.get()).help, '42');
  });

  it('keeps the label names of its configuration', async () => {
    const labelNames = ['x'];
    const gauge = new Gauge({ name: 'a', help: 'A.', labelNames, registers: [] });
    labelNames.push('y');
    gauge.set({ x: '1' }, 1);
    assert.throws(() => gauge.labels('1', '2'), /Invalid number of arguments/);
    assert.deepEqual(gauge.labelNames, ['x']);
  });

  it('returns its values in this process, whatever the scope of its registry', async () => {
    const local = localRegistry();
    const counter = new Counter({ name: 'a_total', help: 'A.', registers: [local] });
    counter.inc(3);
    assert.deepEqual(await counter.get(), {
      name: 'a_total',
      help: 'A.',
      type: 'counter',
      aggregator: 'sum',
      values: [{ value: 3, labels: {} }],
    });
  });
});
