/** Folds and reads with wrong clocks: no counts are lost because of them, and none are kept for ever. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockShift, secondsBetween } from '../../src/archive/clock-reading.js';
import { foldDirectory } from '../../src/archive/fold.js';
import { afterTest } from '../support/after-test.js';
import { Clocks } from '../support/clocks.js';
import { DeadProcess } from '../support/dead-process.js';
import { Reading, valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';

const HOUR = 3600;
const DAY = 24 * HOUR;
const LIVING = { identity: { pid: process.pid } };

const WRONG: Readonly<Record<string, (now: number) => number>> = {
  'in 1970': () => 5,
  '60 days ahead': (now) => now + 60 * DAY,
};

for (const [name, wrong] of Object.entries(WRONG)) {
  test(`folds ${name} lose no counts, neither then nor when the clock is correct again`, (t) => {
    const dir = withTempDir(t);
    const clocks = new Clocks(t);
    const fold = (at: string): void => {
      new DeadProcess(dir).count(`${at}_total`, {}, 1).count('jobs_total', {}, 1).die();
      assert.equal(foldDirectory(dir).droppedFamilies, 0, at);
    };
    new DeadProcess(dir).count('old_total', {}, 1000).set('peak', 'max', {}, 9, clocks.now).die();
    fold('before');
    clocks.pass(HOUR);
    clocks.set(wrong(clocks.now));
    fold('first');
    clocks.pass(60);
    fold('second');
    const all = { old_total: 1000, peak: 9, before_total: 1, first_total: 1, second_total: 1 };
    assert.deepEqual(valuesIn(dir, DAY), { ...all, jobs_total: 3 });
    clocks.set(undefined);
    fold('after');
    clocks.pass(HOUR);
    fold('later');
    assert.deepEqual(valuesIn(dir, DAY), { ...all, after_total: 1, later_total: 1, jobs_total: 5 });
  });

  test(`counts of a process that died ${name} are not lost when they are folded under the correct clock`, (t) => {
    const dir = withTempDir(t);
    const clocks = new Clocks(t);
    clocks.set(wrong(clocks.now));
    new DeadProcess(dir).count('jobs_total', {}, 7).die();
    clocks.set(undefined);
    assert.deepEqual([foldDirectory(dir).folded, valuesIn(dir, DAY)], [1, { jobs_total: 7 }]);
  });
}

test('gauges that were folded under a clock years ahead are not kept longer than others once it is correct', (t) => {
  const dir = withTempDir(t);
  const clocks = new Clocks(t);
  clocks.set(clocks.now + 4000 * DAY);
  new DeadProcess(dir).set('load', 'max', {}, 1, 1).set('peak', 'max', {}, 9, 1).count('jobs_total', {}, 1).die();
  foldDirectory(dir);
  clocks.set(undefined);
  assert.equal(valuesIn(dir, DAY).load, 1);
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  foldDirectory(dir);
  assert.equal(valuesIn(dir, DAY).load, 1);
  clocks.pass(2 * DAY);
  assert.equal(valuesIn(dir, DAY).load, undefined);
  new DeadProcess(dir).set('peak', 'max', {}, 2, 1).count('jobs_total', {}, 1).die();
  foldDirectory(dir);
  assert.deepEqual(valuesIn(dir, DAY), { peak: 2, jobs_total: 3 });
});

test('a family that no process declares is dropped when the time has really passed', (t) => {
  const dir = withTempDir(t);
  const clocks = new Clocks(t);
  new DeadProcess(dir).count('old_total', {}, 1).die();
  foldDirectory(dir);
  let dropped = 0;
  for (const days of [20, 9, 2]) {
    assert.equal(dropped, 0);
    clocks.pass(days * DAY);
    new DeadProcess(dir).count('jobs_total', {}, 1).die();
    dropped = foldDirectory(dir).droppedFamilies;
  }
  assert.deepEqual([dropped, valuesIn(dir, DAY)], [1, { jobs_total: 3 }]);
});

test('between two boots, and without a boot id, the wall clock is trusted for a limited time only', () => {
  const from = { wall: 1000 * DAY, bootId: 'a', uptime: 500 };
  const later = { wall: 1060 * DAY, bootId: 'a', uptime: 700 };
  assert.equal(secondsBetween(from, later, 4 * DAY), 200);
  assert.equal(clockShift(from, later, 4 * DAY), 60 * DAY - 200);
  for (const [one, other] of [
    ['a', 'b'],
    ['', ''],
  ]) {
    const [before, after] = [
      { ...from, bootId: one },
      { ...later, bootId: other },
    ];
    assert.equal(secondsBetween(before, after, 4 * DAY), 4 * DAY);
    assert.equal(clockShift(before, after, 4 * DAY), 56 * DAY);
    assert.equal(secondsBetween(after, before, 4 * DAY), 0);
    assert.equal(clockShift(after, before, 4 * DAY), -60 * DAY);
    assert.equal(clockShift(before, after), 0);
  }
});

test('a value that was set under a clock ahead does not stay the most recent one for ever', (t) => {
  const dir = withTempDir(t);
  const clocks = new Clocks(t);
  const set = (process: DeadProcess, value: number): DeadProcess =>
    process.set('version', 'mostrecent', {}, value, clocks.now);
  clocks.set(clocks.now + 60 * DAY);
  set(new DeadProcess(dir), 1).die();
  const living = set(new DeadProcess(dir, LIVING), 2).show();
  assert.equal(valuesIn(dir, DAY).version, 2);
  clocks.set(undefined);
  // in the correct order
  assert.equal(valuesIn(dir, DAY).version, 2);
  const right = set(new DeadProcess(dir, LIVING), 3).show();
  assert.equal(valuesIn(dir, DAY).version, 3);
  clocks.pass(1);
  set(new DeadProcess(dir), 4).die();
  foldDirectory(dir);
  clocks.pass(60);
  assert.equal(valuesIn(dir, DAY).version, 4);
  set(right, 5).flush();
  assert.equal(valuesIn(dir, DAY).version, 5);
  living.die();
  right.die();
});

test('a reader whose clock is behind finds the most recent value', (t) => {
  const dir = withTempDir(t);
  const clocks = new Clocks(t);
  for (const value of [1, 3, 2]) new DeadProcess(dir).set('version', 'mostrecent', {}, value, clocks.now + value).die();
  clocks.set(0);
  assert.equal(valuesIn(dir, DAY).version, 3);
});

test('an exemplar of a clock ahead is replaced by the next one', (t) => {
  const dir = withTempDir(t);
  const { now } = new Clocks(t);
  new DeadProcess(dir)
    .count('jobs_total', {}, 1)
    .trace('jobs_total', 'ahead', now + 60 * DAY)
    .die();
  new DeadProcess(dir).count('jobs_total', {}, 1).trace('jobs_total', 'right', now).die();
  const exemplar = (): string | undefined => {
    const reading = new Reading(dir);
    const [jobs] = reading.families();
    reading.close();
    return jobs.samples[0].exemplar?.labels.traceId;
  };
  assert.equal(exemplar(), 'right');
  foldDirectory(dir);
  assert.equal(exemplar(), 'right');
});

test('the gauges of a process whose last heartbeat is in the future end with their retention', (t) => {
  const dir = withTempDir(t);
  const clocks = new Clocks(t);
  new DeadProcess(dir).set('load', 'max', {}, 5, clocks.now).die(clocks.now + 60 * DAY);
  const reading = new Reading(dir, {}, DAY);
  afterTest(t, () => reading.close());
  assert.deepEqual(reading.values(), { load: 5 });
  clocks.pass(DAY + 1);
  assert.deepEqual(reading.values(), {});
});
