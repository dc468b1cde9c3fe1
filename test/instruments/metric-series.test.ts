import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Counter, Gauge, Histogram, Registry, Summary } from 'prom-multiproc';
import { sharedStore } from '../../src/storage/process-store.js';
import { MEMORY } from '../../src/storage/value-blocks.js';
import { localRegistry } from '../support/local-registry.js';
import { moveAll } from '../support/move-all.js';

const OPENMETRICS = Registry.OPENMETRICS_CONTENT_TYPE;

function moveStore(): void {
  moveAll(sharedStore(), MEMORY);
}

describe('A held child', () => {
  it('keeps a label at the end of its timer, whatever the label is called', async () => {
    const registry = localRegistry();
    const labelNames = ['constructor', '__proto__'];
    const gauge = new Gauge({ name: 'a', help: 'A.', labelNames, registers: [registry] });
    gauge.labels('a', 'b').startTimer()({ constructor: 'c' });
    assert.match(await registry.metrics(), /^a\{constructor="c",__proto__="b"\} /m);
  });

  it('writes to the one series of its labels, even if another child made it', async () => {
    const registry = localRegistry();
    const counter = new Counter({ name: 'a_total', help: 'A.', labelNames: ['x'], registers: [registry] });
    const [first, second, third] = [counter.labels('1'), counter.labels('1'), counter.labels({ x: 1 })];
    second.inc();
    first.inc(10);
    third.inc(100);
    counter.inc({ x: '1' }, 1000);
    assert.equal(await registry.getSingleMetricAsString('a_total'), lines('a_total', 'counter', 'a_total{x="1"} 1111'));
    counter.remove('1');
    third.inc();
    first.inc();
    second.inc();
    assert.equal(await registry.getSingleMetricAsString('a_total'), lines('a_total', 'counter', 'a_total{x="1"} 3'));
    counter.reset();
    second.inc(5);
    first.inc();
    assert.equal(await registry.getSingleMetricAsString('a_total'), lines('a_total', 'counter', 'a_total{x="1"} 6'));
  });

  it('is not shown before it is written to', async () => {
    const registry = localRegistry();
    const registers = [registry];
    new Counter({ name: 'a_total', help: 'A.', labelNames: ['x'], registers }).labels('1');
    new Gauge({ name: 'b', help: 'A.', labelNames: ['x'], registers }).labels('1');
    new Histogram({ name: 'c', help: 'A.', labelNames: ['x'], registers }).labels('1');
    new Summary({ name: 'd', help: 'A.', labelNames: ['x'], registers }).labels('1');
    assert.deepEqual(
      (await registry.getMetricsAsJSON()).flatMap(({ values }) => values),
      [],
    );
  });

  it('keeps its values through every move of its store', async () => {
    const registry = new Registry(OPENMETRICS, { name: 'moved' });
    const registers = [registry];
    const counter = new Counter({ name: 'a_total', help: 'A.', labelNames: ['x'], enableExemplars: true, registers });
    const gauge = new Gauge({ name: 'b', help: 'B.', labelNames: ['x'], registers });
    const histogram = new Histogram({ name: 'c', help: 'C.', buckets: [1, 2], labelNames: ['x'], registers });
    const summary = new Summary({ name: 'd', help: 'D.', percentiles: [0.5], labelNames: ['x'], registers });
    const held = [counter.labels('1'), counter.labels('1')];
    const [level, took, size] = [gauge.labels('1'), histogram.labels('1'), summary.labels('1')];
    for (let round = 0; round < 3; round++) {
      for (const child of held) child.inc({ exemplarLabels: { round } });
      level.inc(2);
      took.observe(1.5);
      size.observe(4);
      moveStore();
    }
    const text = await registry.metrics({ scope: 'process' });
    assert.match(text, /^a_total\{x="1"\} 6 # \{round="2"\} 1 \d/m);
    assert.match(text, /^b\{x="1"\} 6$/m);
    assert.match(text, /^c_bucket\{le="2",x="1"\} 3$/m);
    assert.match(text, /^c_sum\{x="1"\} 4.5$/m);
    assert.match(text, /^d\{quantile="0.5",x="1"\} 4$/m);
    assert.match(text, /^d_count\{x="1"\} 3$/m);
    registry.clear();
  });

  it('keeps its series when its metric is registered, removed and registered again', async () => {
    const shared = new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { name: 'shared' });
    const local = localRegistry();
    const counter = new Counter({ name: 'a_total', help: 'A.', labelNames: ['x'], registers: [] });
    const summary = new Summary({ name: 'b', help: 'B.', percentiles: [0.5], registers: [local] });
    const child = counter.labels('1');
    const families = sharedStore().families.size;
    child.inc();
    summary.observe(3);
    for (const registry of [shared, local]) {
      registry.clear();
      registry.registerMetric(counter);
      registry.registerMetric(summary);
      child.inc();
      summary.observe(3);
      assert.equal(sharedStore().families.size, families + 2);
    }
    shared.clear();
    assert.equal(sharedStore().families.size, families, 'nothing of it is left in the shared store');
    child.inc();
    assert.match(await local.metrics(), /^a_total\{x="1"\} 4$[^]*^b\{quantile="0.5"\} 3$[^]*^b_count 3$/m);
  });
});

describe('The series of a metric', () => {
  const labelValue = fc.constantFrom('x', 'y', '1', 'x,b:y');
  const operation = fc.oneof(
    fc.record({ kind: fc.constant('inc' as const), a: labelValue, b: labelValue, by: fc.constantFrom(1, 2, 0.5) }),
    fc.record({ kind: fc.constant('child' as const), a: labelValue, b: labelValue }),
    fc.record({ kind: fc.constant('write' as const), held: fc.nat(20) }),
    fc.record({ kind: fc.constant('remove' as const), a: labelValue, b: labelValue }),
    fc.record({ kind: fc.constantFrom('reset' as const, 'move' as const, 'unregister' as const, 'register' as const) }),
  );

  it('are equal to a Map of labels to numbers, in the order of first writes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
        const registry = new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { name: 'model' });
        const counter = new Counter({ name: 'a_total', help: 'A.', labelNames: ['a', 'b'], registers: [registry] });
        const model = new Map<string, number>();
        const held: { child: ReturnType<typeof counter.labels>; key: string }[] = [];
        const keyOf = (a: string, b: string): string => `a_total{a="${a}",b="${b}"}`;
        const add = (key: string, by: number): void => void model.set(key, (model.get(key) ?? 0) + by);
        for (const step of operations) {
          switch (step.kind) {
            case 'inc':
              counter.inc({ a: step.a, b: step.b }, step.by);
              add(keyOf(step.a, step.b), step.by);
              break;
            case 'child':
              held.push({ child: counter.labels(step.a, step.b), key: keyOf(step.a, step.b) });
              break;
            case 'write': {
              const written = held[step.held];
              if (written === undefined) break;
              written.child.inc();
              add(written.key, 1);
              break;
            }
            case 'remove':
              counter.remove(step.a, step.b);
              model.delete(keyOf(step.a, step.b));
              break;
            case 'reset':
              counter.reset();
              model.clear();
              break;
            case 'move':
              moveStore();
              break;
            case 'unregister':
              registry.removeSingleMetric('a_total');
              break;
            default:
              registry.registerMetric(counter);
          }
        }
        const expected = [...model].map(([key, value]) => `${key} ${value}`);
        assert.equal(await registry.getMetricsAsString(counter), lines('a_total', 'counter', ...expected));
        registry.clear();
      }),
      { numRuns: 150 },
    );
  });

  it('are limited by maxSeries: samples of further series are dropped, and existing series still count', async (t) => {
    const warned = t.mock.method(console, 'warn', () => {});
    const registry = localRegistry();
    const settings = { labelNames: ['x'], maxSeries: 100, registers: [registry] };
    const counter = new Counter({ name: 'crowd_total', help: 'A.', ...settings });
    for (let at = 0; at < 150; at++) counter.inc({ x: at });
    const refused = counter.labels('another');
    refused.inc();
    counter.inc({ x: 7 });
    const { values } = await counter.get();
    assert.equal(values.length, 100);
    assert.equal(values[7].value, 2);
    assert.equal(warned.mock.callCount(), 1);
    counter.remove('0');
    refused.inc(3);
    assert.equal((await counter.get()).values.at(-1)?.value, 3);
    assert.throws(() => new Counter({ name: 'a', help: 'A.', maxSeries: 0.5 }), { code: 'ERR_INVALID_ARGUMENT' });
  });

  it('take two values for a label name that was given twice, and the last one counts', async () => {
    const registry = localRegistry();
    const labelNames = ['x', 'y', 'x'];
    const counter = new Counter({ name: 'a_total', help: 'A.', labelNames, registers: [registry] });
    counter.labels('1', '2', '3').inc();
    counter.inc({ x: '3', y: '2' });
    assert.throws(() => counter.labels('1', '2'), /Invalid number of arguments \(2\)/);
    assert.equal(
      await registry.getSingleMetricAsString('a_total'),
      lines('a_total', 'counter', 'a_total{x="3",y="2"} 2'),
    );
  });
});

function lines(name: string, type: string, ...samples: string[]): string {
  return [`# HELP ${name} A.`, `# TYPE ${name} ${type}`, ...samples].join('\n');
}
