/** Histograms with native bins, in one process. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatOf } from '../../src/exposition/formats.js';
import { Histogram, Registry } from '../../src/index.js';
import { familyOfObject } from '../../src/registry/metric-object.js';
import { MEMBER } from '../../src/registry/member.js';
import { Bins } from '../../src/model/native-bins.js';
import { decodeProtobuf, type DecodedNative } from '../support/protobuf-decoder.js';

const FINE = { name: 'took_seconds', help: 'h', nativeHistogramBucketFactor: 1.1 };

/** A histogram of its own registry, in memory. */
function histogramOf(config: object = {}): Histogram {
  return new Histogram({ ...FINE, registers: [new Registry()], ...config });
}

function nativeOf(histogram: Histogram): DecodedNative[] {
  return decodeProtobuf(formatOf('protobuf').render([histogram[MEMBER].family()])).flatMap(({ native }) => native);
}

async function linesOf(histogram: Histogram): Promise<string[]> {
  const text = await (histogram.registers[0] as Registry).metrics();
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}

describe('a native histogram', () => {
  it('counts each value in its bin, negative ones and zeros apart', () => {
    const histogram = histogramOf({ buckets: [] });
    for (const value of [0, -0, 2 ** -128, 1, 1, 1.0625, 4, -2, -2.125]) histogram.observe(value);
    assert.deepEqual(nativeOf(histogram), [
      {
        ...{ schema: 3, zeroThreshold: 2 ** -128, zeroCount: 3 },
        positive: [
          [0, 2],
          [1, 1],
          [16, 1],
        ],
        negative: [
          [8, 1],
          [9, 1],
        ],
        ...{ labels: {}, count: 9, sum: 2 ** -128 + 7.0625 - 4.125, exemplars: [] },
      },
    ]);
  });

  it('agrees with the exact bins of any values', () => {
    const value = fc.oneof(
      fc.double({ min: -1e12, max: 1e12, noNaN: true }),
      fc.double({ min: 1e-4, max: 10, noNaN: true }),
      fc.integer({ min: -120, max: 300 }).map((exponent) => 2 ** exponent),
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), fc.constantFrom(1.1, 1.5, 2, 4, 70_000), (values, factor) => {
        const histogram = histogramOf({ nativeHistogramBucketFactor: factor, nativeHistogramMaxBucketNumber: 0 });
        for (const each of values) histogram.observe(each);
        const [{ schema, zeroCount, zeroThreshold, positive, negative, count }] = nativeOf(histogram);
        assert.equal(count, values.length);
        assert.equal(zeroCount, values.filter((each) => Math.abs(each) <= zeroThreshold).length);
        for (const [sign, buckets] of [[1, positive] as const, [-1, negative] as const]) {
          const counts = new Map<number, number>();
          for (const each of values) {
            if (each * sign <= zeroThreshold) continue;
            const index = Bins.of(schema).find(each * sign) + 1;
            counts.set(index, (counts.get(index) ?? 0) + 1);
          }
          assert.deepEqual(new Map(buckets), new Map([...counts].toSorted(([a], [b]) => a - b)));
        }
      }),
      { numRuns: 200 },
    );
  });

  it('has the classic buckets beside the native ones, with one count', async () => {
    const histogram = histogramOf({ buckets: [0.1, 1], labelNames: ['path'] });
    for (const value of [0.05, 0.1, 0.5, 7]) histogram.observe({ path: '/' }, value);
    const lines = [
      'took_seconds_bucket{le="0.1",path="/"} 2',
      'took_seconds_bucket{le="1",path="/"} 3',
      'took_seconds_bucket{le="+Inf",path="/"} 4',
      'took_seconds_sum{path="/"} 7.65',
      'took_seconds_count{path="/"} 4',
    ];
    assert.deepEqual(await linesOf(histogram), lines);
    const [family] = decodeProtobuf(formatOf('protobuf').render([histogram[MEMBER].family()]));
    assert.deepEqual(
      family.samples.map(({ value }) => value),
      lines.map((line) => Number(line.split(' ')[1])),
    );
    assert.equal(family.native[0].count, 4);
  });

  it('shows _count, _sum and +Inf as text where it has no classic buckets', async () => {
    const histogram = histogramOf({ buckets: [] });
    histogram.observe(3);
    histogram.labels().observe(4);
    assert.deepEqual(await linesOf(histogram), [
      'took_seconds_bucket{le="+Inf"} 2',
      'took_seconds_sum 7',
      'took_seconds_count 2',
    ]);
  });

  it('is native before any value: its zero threshold is above 0', () => {
    const [empty] = nativeOf(histogramOf({ buckets: [], nativeHistogramZeroThreshold: 0 }));
    assert.ok(empty.zeroThreshold > 0);
    assert.deepEqual([empty.count, empty.positive, empty.negative], [0, [], []]);
  });

  it('reduces the resolution for a budget of buckets, and keeps bounded memory for values of all magnitudes', () => {
    const histogram = histogramOf({ buckets: [] });
    for (let exponent = -120; exponent < 1000; exponent++) histogram.observe(1.5 * 2 ** exponent);
    const [{ schema, positive, count }] = nativeOf(histogram);
    assert.ok(schema < 0 && positive.length <= 160, `${positive.length} buckets at schema ${schema}`);
    assert.equal(count, 1120);
    const { attachments = [] } = histogram.labels() as unknown as { attachments?: { role: { schema: number } }[] };
    assert.equal(attachments.filter(({ role }) => role.schema > 0).length, 24);
    assert.ok(attachments.length < 60);
    const unlimited = histogramOf({ buckets: [], nativeHistogramMaxBucketNumber: 0 });
    for (let at = 0; at < 1000; at++) unlimited.observe(1.01 ** at);
    assert.equal(nativeOf(unlimited)[0].schema, 3);
  });

  it('starts from zero after reset(), remove() and zero()', () => {
    const histogram = histogramOf({ buckets: [], labelNames: ['path'] });
    const held = histogram.labels('/');
    held.observe(1);
    histogram.remove('/');
    held.observe(5);
    held.observe(5);
    const counts = (): number[] => nativeOf(histogram).map(({ count }) => count);
    assert.deepEqual(counts(), [2]);
    histogram.reset();
    assert.deepEqual(counts(), []);
    histogram.zero({ path: '/' });
    assert.deepEqual(counts(), [0]);
  });

  it('refuses values as any histogram does, and drops what would make its sum infinite', (t) => {
    t.mock.method(console, 'warn', () => {});
    const histogram = histogramOf({ buckets: [] });
    assert.throws(() => histogram.observe(NaN), /Value is not a valid number/);
    assert.throws(() => histogram.observe('1' as unknown as number), TypeError);
    histogram.observe(Number.MAX_VALUE);
    histogram.observe(Number.MAX_VALUE);
    const [{ count, sum }] = nativeOf(histogram);
    assert.deepEqual([count, sum], [1, Number.MAX_VALUE]);
  });

  it('has its buckets in JSON, and Registry.aggregate() adds them', async () => {
    const objects = [1, 2].map(async (factor) => {
      const registry = new Registry();
      const config = { ...FINE, nativeHistogramBucketFactor: 2 * factor, buckets: [1], labelNames: ['path'] };
      const histogram = new Histogram({ ...config, registers: [registry] });
      for (const value of [0.5, 3, 0]) histogram.observe({ path: '/' }, value);
      return registry.getMetricsAsJSON();
    });
    const [fine, coarse] = await Promise.all(objects);
    const nativeIn = ([metric]: object[]): unknown =>
      (metric as { values: { native?: object }[] }).values.flatMap(({ native = [] }) => native);
    const zero = { zeroThreshold: 2 ** -128, zeroCount: 1, negative: [] };
    assert.deepEqual(nativeIn(fine), [
      {
        ...{ ...zero, schema: 0 },
        positive: [
          [-1, 1],
          [2, 1],
        ],
      },
    ]);
    const registry = Registry.aggregate([fine, coarse] as never);
    const [family] = decodeProtobuf(
      formatOf('protobuf').render([familyOfObject(registry.getSingleMetric(FINE.name)!.get() as never)]),
    );
    assert.deepEqual(
      [family.native[0].count, family.native[0].positive],
      [
        6,
        [
          [0, 2],
          [1, 2],
        ],
      ],
    );
  });

  it('shows its newest exemplars in protobuf, those of classic buckets too', () => {
    for (const buckets of [[], [1]]) {
      const histogram = histogramOf({ buckets, enableExemplars: true });
      histogram.observe({ value: 0.5, exemplarLabels: { trace_id: 'a' } });
      histogram.observe({ value: 5, exemplarLabels: { trace_id: 'b' } });
      const traces = nativeOf(histogram)[0].exemplars.map(({ labels, value }) => [labels.trace_id, value]);
      assert.deepEqual(
        traces,
        buckets.length === 0
          ? [['b', 5]]
          : [
              ['a', 0.5],
              ['b', 5],
            ],
      );
    }
  });

  it('is another metric with another factor: getOrCreate() names the option', () => {
    const registers = [new Registry()];
    const histogram = new Histogram({ ...FINE, registers });
    assert.equal(Histogram.getOrCreate({ ...FINE, registers }), histogram);
    assert.throws(
      () => Histogram.getOrCreate({ ...FINE, nativeHistogramBucketFactor: 2, registers }),
      /It differs in nativeHistogramBucketFactor and its options/,
    );
  });
});
