import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { FLUSH_INTERVAL_MS, FlushSchedule } from '../../src/storage/flush-schedule.js';
import { afterTest } from '../support/after-test.js';

test('a flush follows the one before by an interval, or by 19 times as long as that took', (t) => {
  let nowMs = 1000;
  let takesMs = 1;
  const flushes: number[] = [];
  const clock = mock.method(performance, 'now', () => nowMs);
  mock.timers.enable({ apis: ['setTimeout'] });
  afterTest(t, () => {
    mock.timers.reset();
    clock.mock.restore();
  });
  const schedule = new FlushSchedule(() => {
    flushes.push(nowMs);
    nowMs += takesMs;
  });
  const pass = (ms: number): void => {
    for (let at = 0; at < ms; at++) {
      nowMs++;
      mock.timers.tick(1);
    }
  };
  schedule.start();
  assert.deepEqual(flushes.splice(0), [1000]);
  pass(FLUSH_INTERVAL_MS - 1);
  assert.deepEqual(flushes.splice(0), []);
  takesMs = 100;
  pass(1);
  assert.deepEqual(flushes.splice(0), [1251]);
  takesMs = 1;
  pass(1899);
  assert.deepEqual(flushes.splice(0), []);
  pass(1);
  assert.deepEqual(flushes.splice(0), [3251]);
  // one that somebody has asked for puts the next one off
  pass(200);
  schedule.flush();
  pass(200);
  assert.deepEqual(flushes.splice(0), [3452]);
  pass(50);
  assert.deepEqual(flushes, [3703]);
});
