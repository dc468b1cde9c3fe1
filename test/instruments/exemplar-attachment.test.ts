import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Counter, Histogram } from 'prom-multiproc';
import { openMetricsRegistry } from '../support/local-registry.js';

describe('Exemplars', () => {
  it('are taken by held children', async () => {
    const registry = openMetricsRegistry();
    const config = { help: 'A.', labelNames: ['x'], enableExemplars: true, registers: [registry] };
    const counter = new Counter({ name: 'a_total', ...config }).labels('1');
    const histogram = new Histogram({ name: 'b', buckets: [1], ...config }).labels('1');
    counter.inc({ value: 2, exemplarLabels: { trace: 'a' } });
    counter.inc();
    histogram.observe({ value: 0.5, exemplarLabels: { trace: 'b' } });
    histogram.observe({ value: 5, exemplarLabels: { trace: 'c' } });
    histogram.observe(0.25);
    const end = histogram.startTimer({ trace: 'd' });
    end({}, { span: '1' });
    const text = (await registry.metrics()).replaceAll(/ [\d.e-]+ \d+(\.\d+)?$/gm, ' _ _');
    assert.match(text, /^a_total\{x="1"\} 3 # \{trace="a"\} _ _$/m);
    assert.match(text, /^b_bucket\{le="1",x="1"\} 3 # \{trace="d",span="1"\} _ _$/m);
    assert.match(text, /^b_bucket\{le="\+Inf",x="1"\} 4 # \{trace="c"\} _ _$/m);
  });

  it('belong to the series and are removed with it', async () => {
    const registry = openMetricsRegistry();
    const counter = new Counter({ name: 'a_total', help: 'A.', enableExemplars: true, registers: [registry] });
    counter.inc({ exemplarLabels: { trace: 'a' } });
    counter.reset();
    counter.inc();
    assert.equal(await registry.metrics(), '# HELP a A.\n# TYPE a counter\na_total 1\n# EOF\n');
  });

  it('can be set without counting', async () => {
    const registry = openMetricsRegistry();
    const config = { help: 'A.', labelNames: ['x'], enableExemplars: true, registers: [registry] };
    const counter = new Counter({ name: 'a_total', ...config });
    const histogram = new Histogram({ name: 'b', buckets: [1], ...config });
    counter.inc({ labels: { x: '1' } });
    counter.updateExemplar({ trace: 'a' }, 4, { x: '1' });
    histogram.observe({ labels: { x: '1' }, value: 0.5 });
    histogram.updateExemplar({ x: '1' }, 0.5, { trace: 'b' });
    const text = await registry.metrics();
    assert.match(text, /^a_total\{x="1"\} 1 # \{trace="a"\} 4 /m);
    assert.match(text, /^b_bucket\{le="1",x="1"\} 1 # \{trace="b"\} 0.5 /m);
  });

  it('are refused if their labels are invalid, and the sample still counts', async () => {
    const counter = new Counter({
      name: 'a_total',
      help: 'A.',
      enableExemplars: true,
      registers: [openMetricsRegistry()],
    });
    assert.throws(() => counter.inc({ exemplarLabels: { 'a-b': '1' } as never }), { code: 'ERR_INVALID_ARGUMENT' });
    assert.throws(() => counter.inc({ exemplarLabels: { trace: 'x'.repeat(124) } as never }), RangeError);
    counter.inc({ exemplarLabels: { trace: 'x'.repeat(123) } as never });
    assert.equal((await counter.get()).values[0].value, 3);
  });

  it('do not change calls without exemplars', async () => {
    const registry = openMetricsRegistry();
    const config = { help: 'A.', labelNames: ['x'], enableExemplars: true, registers: [registry] };
    const counter = new Counter({ name: 'a_total', ...config });
    const histogram = new Histogram({ name: 'b', buckets: [1], ...config });
    counter.inc();
    counter.inc(5);
    counter.inc({ x: '1' }, 2);
    histogram.observe(0.5);
    histogram.observe({ x: '1' }, 0.5);
    assert.match(await registry.metrics(), /^a_total 6\na_total\{x="1"\} 2$/m);
    assert.match(await registry.metrics(), /^b_count 1$[^]*^b_count\{x="1"\} 1$/m);
    assert.throws(() => histogram.observe({} as never), { message: 'Value is not a valid number: undefined' });
    const plain = new Counter({ name: 'c_total', help: 'C.', labelNames: ['x'], registers: [] });
    assert.throws(() => plain.labels('1').inc({ value: 1 }), { message: 'Value is not a valid number: { value: 1 }' });
  });
});
