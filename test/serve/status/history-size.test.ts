/** The memory of the status history. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ChartRequest } from '../../../src/collector/chart.js';
import type { DirectoryStatus } from '../../../src/collector/directory-status.js';
import { StatusHistory } from '../../../src/serve/status/status-history.js';

const PROCESSES = 500;
const LINES = 40;
/** Of a native histogram. */
const BUCKETS = 160;
const CHARTS: ChartRequest[] = Array.from({ length: 8 }, (_, at) => ({
  metric: `metric_${at}_${at < 4 ? 'total' : 'seconds'}`,
  by: 'series',
}));
const STEP_MS = 5000;
/** More than 15 minutes, so that the oldest samples are dropped. */
const SAMPLES = 200;

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** A status as it comes from a thread: every text is a new one. A process dies, and another starts, each time. */
function statusAt(sample: number, charts: readonly ChartRequest[]): DirectoryStatus {
  const processes = Array.from({ length: PROCESSES + 1 }, (_, at) => {
    const pid = 100_000 + sample + at;
    return {
      ...{ pid, thread: 0, state: at === 0 ? 'dead' : 'live', file: `${pid}-0-0123456789abcdef.prom-mp` },
      vitals: { cpuShare: Math.random(), residentBytes: 1e8, loopLagSeconds: 0.01, gcShare: 0.02 },
      requests: { perSecond: 100 * Math.random(), failedPerSecond: 0, seconds: 10 },
    };
  });
  const status = {
    collectedAtMs: 1_800_000_000_000 + sample * STEP_MS,
    ...{ processes, families: [] },
    charts: charts.map(({ metric }) => ({
      lines: metric.endsWith('total')
        ? Array.from({ length: LINES }, (_, line) => ({
            name: `path="/a/path/${line}",code="200"`,
            value: Math.random(),
          }))
        : [],
      buckets: metric.endsWith('total')
        ? undefined
        : {
            bounds: Array.from({ length: BUCKETS }, (_, at) => 1.1 ** at),
            counts: Array.from({ length: BUCKETS + 1 }, () => sample * 10),
          },
    })),
  };
  return JSON.parse(JSON.stringify(status)) as DirectoryStatus;
}

test('the history of 500 processes and 8 charts over 15 minutes has at most 5 MiB, and reaches a page as a part of that', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let sample = 0;
  let read!: () => void;
  let isRead = Promise.resolve();
  const history = new StatusHistory(async (charts) => {
    read();
    return statusAt(sample++, charts);
  });
  history.watch(CHARTS);
  const before = heapBytes();
  history.start();
  for (let at = 0; at < SAMPLES; at++) {
    isRead = new Promise((resolve) => (read = resolve));
    t.mock.timers.tick(STEP_MS * 20);
    await isRead;
    // the sample is added, and the next one is due, a turn later
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(sample, SAMPLES);
  const mebibytes = (heapBytes() - before) / 2 ** 20;
  t.diagnostic(`${mebibytes.toFixed(2)} MiB`);
  assert.ok(mebibytes < 5, `${mebibytes} MiB`);

  const recorded = history.recorded();
  const text = JSON.stringify(recorded);
  t.diagnostic(`${(text.length / 2 ** 20).toFixed(2)} MiB of JSON, ${recorded.times.length} samples`);
  assert.ok(text.length < 3 * 2 ** 20, `${text.length} bytes`);
  // with every death and start as a mark
  assert.equal(recorded.marks.length, 200);
  assert.ok(recorded.times.at(-1)! - recorded.times[0] > 800);
  assert.equal(recorded.charts[0].samples.length, 180);
  history.close();
});
