import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { flushDuringWaits } from '../../src/storage/blocking-wait.js';
import { FlushSchedule } from '../../src/storage/flush-schedule.js';
import { afterTest } from '../support/after-test.js';
import { type ForkedProgram, forkProgram } from '../support/forked-program.js';
import { valuesIn } from '../support/reading.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

function startThread(t: TestContext, dir: string, how: 'piscina' | 'bare'): ForkedProgram {
  return forkProgram(t, 'storage/programs/waiting-thread', [how], {
    env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir, PROM_MULTIPROC_NO_MMAP: '1' },
  });
}

async function untilCounted(dir: string, jobs: number): Promise<void> {
  await until(() => valuesIn(dir).jobs_total === jobs);
}

test('counts of a thread that then waits for ever get to its file, and stay when it is terminated', async (t) => {
  const dir = withTempDir(t);
  const thread = startThread(t, dir, 'bare');
  await untilCounted(dir, 7);
  assert.equal(await thread.ask('terminate'), 'terminated');
  assert.deepEqual(valuesIn(dir), { jobs_total: 7 });
});

test("the counts of a piscina pool's last task get to the file while its thread is idle", async (t) => {
  const dir = withTempDir(t);
  const pool = startThread(t, dir, 'piscina');
  await untilCounted(dir, 7);
  assert.equal(await pool.ask('count'), 'counted');
  await untilCounted(dir, 15);
  assert.equal(await pool.ask('terminate'), 'terminated');
  assert.deepEqual(valuesIn(dir), { jobs_total: 15 });
});

/** Waits with a clock that only they move; a flush takes a millisecond, so that 19 have to pass before the next. */
function startWaits(t: TestContext): { passes(ms: number): void; waits: number[]; flushes: number[]; answer: string } {
  const state = { passes: (ms: number) => (nowMs += ms), waits: [], flushes: [], answer: 'timed-out' } as {
    passes(ms: number): void;
    waits: number[];
    flushes: number[];
    answer: string;
  };
  let nowMs = 0;
  const clock = mock.method(performance, 'now', () => nowMs);
  const wait = mock.method(Atomics, 'wait', (_array: unknown, _index: number, _value: number, timeoutMs: number) => {
    state.waits.push(timeoutMs);
    if (state.answer === 'timed-out' && timeoutMs < Infinity) nowMs += timeoutMs;
    return state.answer;
  });
  const schedule = new FlushSchedule(() => state.flushes.push(nowMs++));
  flushDuringWaits(schedule);
  afterTest(t, () => {
    wait.mock.restore();
    clock.mock.restore();
  });
  for (let flush = 0; flush < 3; flush++) schedule.flush();
  state.flushes.length = 0;
  return state;
}

const CELL = new Int32Array(new SharedArrayBuffer(4));

test('a wait flushes once, as soon as that leaves the application its share, and keeps its duration', (t) => {
  const { waits, flushes } = startWaits(t);
  assert.equal(Atomics.wait(CELL, 0, 0, 1000), 'timed-out');
  assert.deepEqual([waits.splice(0), flushes.splice(0)], [[19, 981], [22]]);
  // 981 ms have passed since the last flush
  assert.equal(Atomics.wait(CELL, 0, 0), 'timed-out');
  assert.deepEqual([waits, flushes], [[Infinity], [1004]]);
});

test('a wait that is shorter than the time until a flush is not changed', (t) => {
  const { waits, flushes } = startWaits(t);
  for (let pause = 0; pause < 3; pause++) Atomics.wait(CELL, 0, 0, 5);
  assert.deepEqual([waits, flushes], [[5, 5, 5], []]);
});

test('a thread with many short waits spends a twentieth of its time on flushes', (t) => {
  const state = startWaits(t);
  state.answer = 'not-equal';
  for (let task = 0; task < 100; task++) {
    state.passes(1);
    assert.equal(Atomics.wait(CELL, 0, 0), 'not-equal');
  }
  assert.deepEqual(state.flushes, [22, 42, 62, 82, 102]);
});

test('a wait that is woken returns that, whether it has flushed or not', (t) => {
  const state = startWaits(t);
  state.answer = 'ok';
  assert.equal(Atomics.wait(CELL, 0, 0), 'ok');
  state.passes(1000);
  assert.equal(Atomics.wait(CELL, 0, 0, NaN), 'ok');
  assert.equal(state.flushes.length, 1);
});
