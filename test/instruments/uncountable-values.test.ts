/** Samples that would destroy counted values: NaN, and values that make a sum infinite. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as promMultiproc from 'prom-multiproc';
import { mirrorRegistry, Registry } from 'prom-multiproc';
import { linesOf } from '../support/cluster.js';

const LARGEST = Number.MAX_VALUE;

/** Counts 7, then a value that cannot be added, then 1. */
interface Way {
  readonly name: string;
  readonly count: (registers: Registry[]) => void | Promise<void>;
  readonly lines: readonly string[];
}

const counterConfig = { name: 'bytes_total', help: 'B.', labelNames: ['zone'], enableExemplars: true } as const;
const observed = { name: 'bytes', help: 'B.', buckets: [10], percentiles: [0.5], enableExemplars: true };

/** Copies a source that shows these values one after another. */
async function mirrored<T>(registers: Registry[], shown: readonly T[], objectOf: (value: T) => object): Promise<void> {
  let at = 0;
  const source = { getMetricsAsJSON: () => Promise.resolve([objectOf(shown[at])]) };
  const mirror = mirrorRegistry(source, { register: registers[0], intervalMs: 2 ** 30 });
  for (; at < shown.length; at++) await mirror.copy();
  at = shown.length - 1;
  await mirror.close();
}

const WAYS: readonly Way[] = [
  {
    name: 'a child',
    count(registers) {
      const child = new promMultiproc.Counter({ ...counterConfig, registers }).labels('a');
      for (const value of [7, NaN, 1]) child.inc(value);
    },
    lines: ['bytes_total{zone="a"} 8'],
  },
  {
    name: 'labels',
    count(registers) {
      const counter = new promMultiproc.Counter({ ...counterConfig, registers });
      for (const value of [7, NaN, 1]) counter.inc({ zone: 'a' }, value);
    },
    lines: ['bytes_total{zone="a"} 8'],
  },
  {
    name: 'no labels',
    count(registers) {
      const counter = new promMultiproc.Counter({ name: 'bytes_total', help: 'B.', registers });
      for (const value of [7, NaN, 1]) counter.inc(value);
    },
    lines: ['bytes_total 8'],
  },
  {
    name: 'a call with an exemplar, which is not set',
    count(registers) {
      const counter = new promMultiproc.Counter({ ...counterConfig, registers });
      for (const value of [7, NaN, 1]) {
        counter.inc({ value, labels: { zone: 'a' }, exemplarLabels: { zone: `t${value}` } });
      }
    },
    lines: ['bytes_total{zone="a"} 8'],
  },
  {
    name: 'the overflow of a counter',
    count(registers) {
      const counter = new promMultiproc.Counter({ ...counterConfig, registers });
      for (const value of [LARGEST, LARGEST, 1]) counter.inc({ zone: 'a' }, value);
    },
    lines: ['bytes_total{zone="a"} 1.7976931348623157e+308'],
  },
  {
    name: 'the overflow of the sum of a histogram',
    count(registers) {
      const histogram = new promMultiproc.Histogram({ ...observed, registers });
      for (const value of [-LARGEST, -LARGEST, LARGEST, 1]) histogram.observe(value);
    },
    lines: ['bytes_bucket{le="10"} 2', 'bytes_bucket{le="+Inf"} 3', 'bytes_sum 1', 'bytes_count 3'],
  },
  {
    name: 'the overflow of the sum of a histogram, with exemplars',
    count(registers) {
      const histogram = new promMultiproc.Histogram({ ...observed, registers });
      for (const value of [LARGEST, LARGEST]) histogram.observe({ value, exemplarLabels: { trace: 't' } });
    },
    lines: [
      'bytes_bucket{le="10"} 0',
      'bytes_bucket{le="+Inf"} 1',
      'bytes_sum 1.7976931348623157e+308',
      'bytes_count 1',
    ],
  },
  {
    name: 'the overflow of the sum of a summary',
    count(registers) {
      const summary = new promMultiproc.Summary({ ...observed, registers });
      for (const value of [LARGEST, LARGEST, -LARGEST]) summary.observe(value);
    },
    lines: ['bytes_sum 0', 'bytes_count 2'],
  },
  {
    name: 'a mirrored counter, which continues when the source does',
    count: (registers) =>
      mirrored(registers, [7, NaN, Infinity, 8], (value) => ({
        ...{ name: 'bytes_total', help: 'B.', type: 'counter' },
        values: [{ value, labels: {} }],
      })),
    lines: ['bytes_total 8'],
  },
  {
    name: 'a mirrored histogram',
    count: (registers) =>
      mirrored(registers, [7, NaN, Infinity, 8], (sum) => ({
        ...{ name: 'bytes', help: 'B.', type: 'histogram' },
        values: [
          { value: 1, labels: { le: 10 }, metricName: 'bytes_bucket' },
          { value: 1, labels: { le: '+Inf' }, metricName: 'bytes_bucket' },
          { value: sum, labels: {}, metricName: 'bytes_sum' },
          { value: 1, labels: {}, metricName: 'bytes_count' },
        ],
      })),
    lines: ['bytes_bucket{le="10"} 1', 'bytes_bucket{le="+Inf"} 1', 'bytes_sum 8', 'bytes_count 1'],
  },
];

describe('A value that cannot be added is dropped', () => {
  for (const { name, count, lines } of WAYS) {
    it(`through ${name}`, async (t) => {
      const warn = t.mock.method(console, 'warn', () => {});
      const registry = new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { multiprocess: false });
      await count([registry]);
      const text = await registry.metrics();
      const shown = linesOf(text, 'bytes').filter((line) => !line.includes('quantile'));
      assert.deepEqual(shown, lines);
      for (const call of warn.mock.calls) {
        assert.match(String(call.arguments[0]), /^prom-multiproc: bytes(_total)? was given/);
      }
    });
  }
});
