/** Series of dead processes whose metric has `expireAfterSeconds`: the archive drops them when they have been idle for so long. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import type { FoldResult } from '../../src/archive/fold-result.js';
import { archiveName } from '../../src/directory/file-name.js';
import { currentMachine, processStartTime } from '../../src/directory/identity.js';
import { checkFile } from '../../src/metrics-file/check.js';
import { HEADER } from '../../src/metrics-file/layout.js';
import { afterTest } from '../support/after-test.js';
import { Clocks } from '../support/clocks.js';
import { linesOf, scrape, startCluster } from '../support/cluster.js';
import { DeadProcess, type DeadProcessOptions } from '../support/dead-process.js';
import { overwrite } from '../support/overwrite.js';
import { Reading, valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';

const HOUR = 3600;
const DAY = 24 * HOUR;
const LIVING = { identity: { pid: process.pid } };
const RESTARTS = 12;

/** A process that has a counter whose series expire. */
function counting(dir: string, expireAfterSeconds: number | undefined, options?: DeadProcessOptions): DeadProcess {
  const process = new DeadProcess(dir, options);
  process.declare({ name: 'jobs_total', help: 'h', type: 'counter', labelNames: ['worker'], expireAfterSeconds });
  return process;
}

/** A fold comes with a process that has ended. */
function foldOneMore(dir: string): FoldResult {
  new DeadProcess(dir).count('folds_total', {}, 1).die();
  const result = foldDirectory(dir);
  assert.equal(result.abandoned, undefined);
  return result;
}

/** Without locks a process lives as long as its pid is in use, and this one has the pid of the test. */
function remove(living: DeadProcess): void {
  unlinkSync(living.die().path);
}

function valuesOf(dir: string): Record<string, number> {
  const values = valuesIn(dir, DAY);
  delete values.folds_total;
  return values;
}

test('of 12 restarts with a label of their pid the living worker is left after the time of expiry', async (t) => {
  const dir = withTempDir(t);
  const { primary } = await startCluster(t, dir, 0);
  for (let restart = 0; restart < RESTARTS; restart++) {
    const worker = await primary.fork();
    await worker.run(({ prom }) => {
      const more = { help: 'H.', labelNames: ['worker'], expireAfterSeconds: 3600 };
      const labels = { worker: String(process.pid) };
      new prom.Counter({ name: 'jobs_total', ...more }).inc(labels);
      new prom.Histogram({ name: 'job_seconds', ...more }).observe(labels, 1);
      new prom.Summary({ name: 'job_bytes', percentiles: [0.5], ...more }).observe(labels, 1);
    });
    if (restart < RESTARTS - 1) await worker.kill();
  }
  assert.equal(foldDirectory(dir).expiredSeries, 0);
  const linesNow = async (): Promise<number[]> => {
    const text = await scrape(primary);
    return ['jobs_total', 'job_seconds', 'job_bytes'].map((name) => linesOf(text, name).length);
  };
  assert.deepEqual(await linesNow(), [RESTARTS, RESTARTS * 14, RESTARTS * 3]);
  new Clocks(t).pass(3 * HOUR);
  assert.equal(foldOneMore(dir).expiredSeries, 3 * (RESTARTS - 1));
  assert.deepEqual(await linesNow(), [1, 14, 3]);
  const text = await scrape(primary);
  assert.deepEqual(linesOf(text, 'prom_multiproc_archive_expired_series'), [
    `prom_multiproc_archive_expired_series ${3 * (RESTARTS - 1)}`,
  ]);
});

test('a series stays until its last process has been gone for so long, and one that comes later has its own count', (t) => {
  const dir = withTempDir(t);
  const clocks = new Clocks(t);
  counting(dir, 6 * HOUR)
    .count('jobs_total', { worker: 'a' }, 1)
    .count('jobs_total', { worker: 'b' }, 10)
    .die();
  foldDirectory(dir);
  clocks.pass(5 * HOUR);
  counting(dir, 6 * HOUR)
    .count('jobs_total', { worker: 'a' }, 2)
    .die(clocks.now);
  assert.equal(foldDirectory(dir).expiredSeries, 0);
  clocks.pass(3 * HOUR);
  const { expiredSeries, generation } = foldOneMore(dir);
  assert.equal(expiredSeries, 1);
  assert.deepEqual(valuesOf(dir), { 'jobs_total{worker="a"}': 3 });
  assert.deepEqual(checkFile(join(dir, archiveName(generation))).problems, []);
  clocks.pass(8 * HOUR);
  assert.equal(foldOneMore(dir).expiredSeries, 1);
  assert.deepEqual(valuesOf(dir), {});
  counting(dir, 6 * HOUR)
    .count('jobs_total', { worker: 'a' }, 4)
    .die(clocks.now);
  assert.deepEqual(valuesOf(dir), { 'jobs_total{worker="a"}': 4 });
  foldDirectory(dir);
  assert.deepEqual(valuesOf(dir), { 'jobs_total{worker="a"}': 4 });
});

test('what is shown of a living process never falls', (t) => {
  const dir = withTempDir(t);
  const clocks = new Clocks(t);
  for (const worker of ['a', 'b']) counting(dir, HOUR).count('jobs_total', { worker }, 100).die();
  const defaultLabels = { worker: 'c', zone: 'x', none: '' };
  const plain = { name: 'plain_total', help: 'h', type: 'counter', labelNames: [], expireAfterSeconds: HOUR } as const;
  const plainOf = (options: DeadProcessOptions): DeadProcess => {
    const process = new DeadProcess(dir, { ...options, defaultLabels });
    process.declare(plain);
    return process.count('plain_total', {}, 100);
  };
  plainOf({}).die();
  foldDirectory(dir);
  const living = counting(dir, HOUR, LIVING).count('jobs_total', { worker: 'a' }, 1).show();
  const other = plainOf(LIVING).show();
  const all = { 'jobs_total{worker="a"}': 101, 'plain_total{worker="c",zone="x"}': 200 };
  for (let at = 0; at < 3; at++) {
    clocks.pass(3 * HOUR);
    assert.equal(foldOneMore(dir).expiredSeries, at === 0 ? 1 : 0);
    assert.deepEqual(valuesOf(dir), all);
  }
  remove(living);
  remove(other);
  clocks.pass(3 * HOUR);
  assert.equal(foldOneMore(dir).expiredSeries, 2);
});

test('of several declarations the longest time holds, and a process without the option keeps its series', (t) => {
  const dir = withTempDir(t);
  const clocks = new Clocks(t);
  const one = (worker: string, expiry: number | undefined): unknown =>
    counting(dir, expiry).count('jobs_total', { worker }, 1).die(clocks.now);
  one('kept', undefined);
  foldDirectory(dir);
  one('a', HOUR);
  one('b', 20 * HOUR);
  one('c', HOUR);
  one('kept', HOUR);
  foldDirectory(dir);
  clocks.pass(10 * HOUR);
  assert.equal(foldOneMore(dir).expiredSeries, 0);
  const living = counting(dir, undefined, LIVING).count('jobs_total', { worker: 'living' }, 1).show();
  clocks.pass(20 * HOUR);
  assert.equal(foldOneMore(dir).expiredSeries, 0);
  remove(living);
  assert.equal(foldOneMore(dir).expiredSeries, 3);
  assert.deepEqual(valuesOf(dir), { 'jobs_total{worker="kept"}': 2 });
});

test('nothing is dropped while the file of a living process cannot be read: it may have the same series', (t) => {
  const dir = withTempDir(t);
  const clocks = new Clocks(t);
  counting(dir, HOUR).count('jobs_total', { worker: 'a' }, 1).die(clocks.now);
  foldDirectory(dir);
  const living = counting(dir, HOUR, LIVING).count('jobs_total', { worker: 'a' }, 1).show();
  overwrite(living.path, HEADER.versionMajor, new Uint16Array([9]));
  clocks.pass(10 * HOUR);
  const { expiredSeries, skipped } = foldOneMore(dir);
  assert.deepEqual([expiredSeries, skipped.version], [0, 1]);
  clocks.pass(40 * DAY);
  assert.equal(foldOneMore(dir).droppedFamilies, 0);
  assert.deepEqual(valuesOf(dir), { 'jobs_total{worker="a"}': 1 });
  remove(living);
  assert.equal(foldOneMore(dir).droppedFamilies, 1);
  assert.deepEqual(valuesOf(dir), {});
});

test('series that stay keep their own quantiles and exemplars', (t) => {
  const dir = withTempDir(t);
  const clocks = new Clocks(t);
  const summary = { name: 'size_bytes', help: 'h', type: 'summary', labelNames: ['zone'], quantiles: [0.5] } as const;
  const declared = (zone: string): DeadProcess => {
    const process = new DeadProcess(dir, { defaultLabels: { zone } });
    process.declare({ ...summary, labelNames: [], expireAfterSeconds: HOUR });
    process.declare({ name: 'traced_total', help: 'h', type: 'counter', labelNames: [], expireAfterSeconds: HOUR });
    return process;
  };
  for (const [zone, value] of [
    ['a', 1],
    ['b', 1000],
  ] as const) {
    declared(zone).summarize('size_bytes', value).count('traced_total', {}, 1).trace('traced_total', zone, 1).die();
    foldDirectory(dir);
    clocks.pass(value === 1 ? 3 * HOUR : 0);
  }
  assert.equal(foldOneMore(dir).expiredSeries, 0);
  clocks.pass(1);
  const reading = new Reading(dir, {}, DAY);
  const samples = reading.families().flatMap((family) => family.samples);
  reading.close();
  const median = samples.find(({ labels }) => labels.quantile === '0.5');
  assert.deepEqual([median?.labels.zone, Math.round(median?.value ?? 0) > 900], ['b', true]);
  const traced = samples.filter(({ name }) => name === 'traced_total');
  assert.deepEqual(
    traced.map(({ labels, exemplar }) => [labels.zone, exemplar?.labels.traceId]),
    [['b', 'b']],
  );
});

test('what is process-wide stays while a thread of its process has a file', async (t) => {
  const dir = withTempDir(t);
  const clocks = new Clocks(t);
  // a real process: where files have no lock, a fold looks for it
  const sleeper = spawn('sleep', ['600']);
  afterTest(t, () => void sleeper.kill());
  const pid = sleeper.pid!;
  const startTime = processStartTime(pid);
  const threadOf = (threadId: number): DeadProcess => {
    const process = new DeadProcess(dir, { identity: { ...currentMachine(), pid, startTime, threadId } });
    const declaration = { name: 'cpu_total', help: 'h', type: 'counter', labelNames: [] } as const;
    process.declare({ ...declaration, processWide: true, expireAfterSeconds: HOUR });
    return process.count('cpu_total', {}, 5);
  };
  const main = threadOf(0).show();
  threadOf(1).die();
  foldDirectory(dir);
  clocks.pass(5 * HOUR);
  assert.equal(foldOneMore(dir).expiredSeries, 0);
  assert.deepEqual(valuesOf(dir), { cpu_total: 5 });
  main.die(clocks.now);
  sleeper.kill();
  await once(sleeper, 'exit');
  assert.equal(foldDirectory(dir).expiredSeries, 0);
  assert.deepEqual(valuesOf(dir), { cpu_total: 5 });
  clocks.pass(3 * HOUR);
  assert.equal(foldOneMore(dir).expiredSeries, 1);
});

test('over restarts of the machine a series grows older by an eighth of its time at most, however short that is', (t) => {
  const dir = withTempDir(t);
  const clocks = new Clocks(t);
  counting(dir, HOUR).count('jobs_total', { worker: 'a' }, 1).die();
  foldDirectory(dir);
  let folds = 0;
  for (let expired = 0; expired === 0 && folds < 30; folds++) {
    clocks.pass(2 * HOUR);
    clocks.restart();
    // each time for less than before
    clocks.pass(100 - folds);
    expired = foldOneMore(dir).expiredSeries;
  }
  // its end was rounded up to the hour
  assert.ok(folds > 8 && folds <= 17, `${folds} folds`);
});

for (const [name, wrong] of [
  ['in 1970', () => 5],
  ['60 days ahead', (now: number) => now + 60 * DAY],
] as const) {
  test(`a clock ${name} makes no series expire early, and none stay for ever`, (t) => {
    const dir = withTempDir(t);
    const clocks = new Clocks(t);
    const die = (worker: string): unknown =>
      counting(dir, 8 * HOUR)
        .count('jobs_total', { worker }, 1)
        .die(clocks.now);
    const fold = (): number => foldOneMore(dir).expiredSeries;
    die('before');
    fold();
    die('waiting');
    clocks.pass(HOUR);
    clocks.set(wrong(clocks.now));
    assert.equal(fold(), 0);
    die('meanwhile');
    clocks.pass(60);
    assert.equal(fold(), 0);
    clocks.set(undefined);
    assert.equal(fold(), 0);
    clocks.pass(5 * HOUR);
    assert.equal(fold(), 0);
    assert.equal(Object.keys(valuesOf(dir)).length, 3);
    clocks.pass(12 * HOUR);
    assert.equal(fold(), 3);
    assert.deepEqual(valuesOf(dir), {});
  });
}
