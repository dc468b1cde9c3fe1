import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Silence } from '../../src/storage/silence.js';
import { afterTest } from '../support/after-test.js';

test('either clock detects a silence, and it is remembered for a minute', (t) => {
  let [steadyMs, wallMs] = [0, 1_700_000_000_000];
  const clocks = [mock.method(performance, 'now', () => steadyMs), mock.method(Date, 'now', () => wallMs)];
  afterTest(t, () => clocks.forEach((clock) => clock.mock.restore()));
  const silence = new Silence();
  const pass = (steadySeconds: number, wallSeconds = steadySeconds): boolean => {
    steadyMs += steadySeconds * 1000;
    wallMs += wallSeconds * 1000;
    return silence.breaks();
  };
  assert.equal(pass(5), false);
  assert.equal(pass(30), false);
  assert.equal(silence.brokenLately, false);
  // stopped
  assert.equal(pass(31), true);
  assert.equal(pass(1), false);
  assert.equal(silence.brokenLately, true);
  for (let second = 0; second < 59; second++) assert.equal(pass(1), false);
  assert.equal(silence.brokenLately, false);
  // the machine slept
  assert.equal(pass(1, 3600), true);
  assert.equal(silence.brokenLately, true);
  // its clock was set while the process was stopped
  assert.equal(pass(3600, 1), true);
  assert.equal(pass(1, -3600), true);
});
