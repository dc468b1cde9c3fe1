import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counter, Gauge, Histogram, Summary } from 'prom-multiproc';
import { flushStore } from '../../src/storage/process-store.js';
import { collectGarbage } from '../support/garbage.js';
import { withTempDir } from '../support/temp-dir.js';

/** The smallest object takes 16 bytes: had every write made one, that would be 1.6 MB, and still no scavenge. */
const WRITES = 100_000;
const LEAST_GARBAGE_BYTES = 16 * WRITES;
/** Optimized code comes from a thread of V8's, which gets no turn for long where a machine is busy. */
const MOST_ROUNDS = 500;

const labelNames = ['method', 'code'];
const labels = { method: 'GET', code: '200' };
/** Of several buckets, signs and sizes. */
const VALUES = Float64Array.from({ length: 64 }, (_, at) => (at - 8) ** 3 / 1000);

test('a write allocates nothing, whatever it is written to and however its series is named', (t) => {
  process.env.PROMETHEUS_MULTIPROC_DIR = withTempDir(t);
  const counter = new Counter({ name: 'a_total', help: 'A.', labelNames });
  const gauge = new Gauge({ name: 'b', help: 'B.', labelNames });
  const histogram = new Histogram({ name: 'c', help: 'C.', labelNames });
  const summary = new Summary({ name: 'd', help: 'D.', labelNames });
  const held = {
    counter: counter.labels(labels),
    gauge: gauge.labels(labels),
    histogram: histogram.labels(labels),
    summary: summary.labels(labels),
  };
  const writes: Record<string, (at: number) => void> = {
    'counter child.inc()': () => held.counter.inc(),
    'counter.labels().inc()': () => counter.labels('GET', '200').inc(),
    'counter.inc({})': () => counter.inc(labels),
    'gauge child.set()': (at) => held.gauge.set(VALUES[at & 63]),
    'gauge child.inc()': () => held.gauge.inc(),
    'histogram child.observe()': (at) => held.histogram.observe(VALUES[at & 63]),
    'histogram.observe({})': (at) => histogram.observe(labels, VALUES[at & 63]),
    'summary child.observe()': (at) => held.summary.observe(VALUES[at & 63]),
    // not of a sliding one: it asks Date.now(), whose answer is a number on the heap (6 bytes a call, ran)
  };
  for (const [name, write] of Object.entries(writes)) {
    // unoptimized code boxes numbers that optimized code does not; and the runner's own garbage may fall into a round
    const garbage: number[] = [];
    const isClean = (): boolean => Math.abs(garbage.at(-1) ?? Infinity) < LEAST_GARBAGE_BYTES / 10;
    while (!isClean() && garbage.length < MOST_ROUNDS) garbage.push(garbageBytesOf(write));
    assert.ok(isClean(), `${name}: ${garbage.slice(-10).join()} bytes`);
  }
  flushStore();
});

function garbageBytesOf(write: (at: number) => void): number {
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  for (let at = 0; at < WRITES; at++) write(at);
  return process.memoryUsage().heapUsed - before;
}
