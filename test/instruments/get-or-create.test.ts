import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import promClient from 'prom-client';
import { Counter, Gauge, Histogram, Info, StateSet, Summary } from 'prom-multiproc';
import { localRegistry } from '../support/local-registry.js';

/** Each type, with options that make it a different metric. */
const KINDS: Readonly<Record<string, { Metric: any; config?: object; others: Readonly<Record<string, object>> }>> = {
  counter: { Metric: Counter, others: { labelNames: { labelNames: ['y'] }, help: { help: 'B.' } } },
  gauge: { Metric: Gauge, others: { multiprocessMode: { multiprocessMode: 'max' }, labelNames: { labelNames: [] } } },
  histogram: { Metric: Histogram, others: { buckets: { buckets: [1] }, enableExemplars: { enableExemplars: true } } },
  summary: {
    Metric: Summary,
    others: {
      percentiles: { percentiles: [0.5] },
      'maxAgeSeconds and ageBuckets': { maxAgeSeconds: 10, ageBuckets: 2 },
    },
  },
  info: { Metric: Info, others: { labelNames: { labelNames: [] } } },
  stateset: { Metric: StateSet, config: { states: ['on', 'off'] }, others: { states: { states: ['on'] } } },
};

describe('getOrCreate', () => {
  for (const [type, { Metric, config, others }] of Object.entries(KINDS)) {
    it(`returns the existing ${type}, and names the difference to another one`, () => {
      const settings = { name: 'a', help: 'A.', labelNames: ['x'], registers: [localRegistry()], ...config };
      const made = Metric.getOrCreate(settings);
      assert.ok(made instanceof Metric);
      assert.equal(Metric.getOrCreate({ ...settings }), made);
      if (made instanceof Info) made.set({ x: '1' }, { version: '2' });
      assert.equal(Metric.getOrCreate({ ...settings }), made);
      for (const [option, other] of Object.entries(others)) {
        assert.throws(
          () => Metric.getOrCreate({ ...settings, ...other }),
          (error: Error & { code?: string }) =>
            error.code === 'ERR_INVALID_ARGUMENT' && error.message.includes(`It differs in ${option} (`),
          option,
        );
      }
      const Other = Metric === Gauge ? Counter : Gauge;
      assert.throws(
        () => Other.getOrCreate(settings),
        /another metric with the name a .* It differs in type \("\w+" there, "\w+" here\)/,
      );
    });
  }

  it('shows the metric in all registries that it names', () => {
    const [first, second] = [localRegistry(), localRegistry()];
    const made = Counter.getOrCreate({ name: 'a_total', help: 'A.', registers: [first] });
    assert.equal(Counter.getOrCreate({ name: 'a_total', help: 'A.', registers: [second, first] }), made);
    assert.equal(second.getSingleMetric('a_total'), made);
  });

  it('refuses metrics of other packages, and invalid configurations', () => {
    const registry = localRegistry();
    registry.registerMetric(new promClient.Counter({ name: 'a_total', help: 'A.', registers: [] }));
    assert.throws(() => Counter.getOrCreate({ name: 'a_total', help: 'A.', registers: [registry] }), {
      code: 'ERR_INVALID_ARGUMENT',
      message: 'another metric with the name a_total has already been registered. It is not a metric of this package.',
    });
    assert.throws(() => Counter.getOrCreate({ name: 'a-b', help: 'A.' }), { message: 'Invalid metric name' });
    assert.throws(() => Counter.getOrCreate(undefined as never), { name: 'TypeError' });
  });

  it('names the same difference as a constructor whose name is already registered', () => {
    const registers = [localRegistry()];
    new Counter({ name: 'a_total', help: 'A.', labelNames: ['x'], registers });
    const text = 'A metric with the name a_total has already been registered.';
    assert.throws(() => new Counter({ name: 'a_total', help: 'A.', labelNames: ['x'], registers }), { message: text });
    assert.throws(() => new Counter({ name: 'a_total', help: 'B.', labelNames: ['y'], registers }), {
      message: `${text} It differs in help ("A." there, "B." here), labelNames (["x"] there, ["y"] here).`,
    });
  });
});
