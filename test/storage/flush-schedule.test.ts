import assert from 'node:assert/strict';
import { mock, type TestContext, test } from 'node:test';
import { FLUSH_INTERVAL_MS, FlushSchedule } from '../../src/storage/flush-schedule.js';
import { afterTest } from '../support/after-test.js';

/** A schedule with a clock that only the test moves; a flush takes `takesMs`. */
function startSchedule(t: TestContext): {
  takesMs: number;
  schedule: FlushSchedule;
  /** Lets time pass, and returns the times of flushes meanwhile. */
  pass(ms: number): number[];
} {
  let nowMs = 1000;
  const flushes: number[] = [];
  const clock = mock.method(performance, 'now', () => nowMs);
  mock.timers.enable({ apis: ['setTimeout'] });
  afterTest(t, () => {
    mock.timers.reset();
    clock.mock.restore();
  });
  const schedule = new FlushSchedule(() => {
    flushes.push(nowMs);
    nowMs += state.takesMs;
  });
  const state = {
    takesMs: 1,
    schedule,
    pass(ms: number) {
      for (let at = 0; at < ms; at++) {
        nowMs++;
        mock.timers.tick(1);
      }
      return flushes.splice(0);
    },
  };
  schedule.start();
  assert.deepEqual(flushes.splice(0), [1000]);
  return state;
}

test('a flush follows the last one after an interval', (t) => {
  const { schedule, pass } = startSchedule(t);
  assert.deepEqual(pass(FLUSH_INTERVAL_MS - 1), []);
  assert.deepEqual(pass(1), [1251]);
  // a requested flush delays the next one
  pass(200);
  schedule.flush();
  assert.deepEqual(pass(200), [1452]);
  assert.deepEqual(pass(50), [1703]);
});

test('where flushes always take long, the application has 19 times as long for itself', (t) => {
  const state = startSchedule(t);
  // a flush that was delayed by something else makes no difference
  state.takesMs = 100;
  assert.deepEqual(state.pass(250), [1251]);
  assert.deepEqual(state.pass(250), [1601]);
  assert.deepEqual(state.pass(250), [1951]);
  assert.deepEqual(state.pass(1899), []);
  assert.deepEqual(state.pass(1), [3951]);
  state.takesMs = 1;
  assert.deepEqual(state.pass(1900), [5951]);
  assert.deepEqual(state.pass(250), [6202]);
});
