/** Series that a process has marked as idle, for readers that follow its file and for new ones, and after a fold. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { checkFile } from '../../src/metrics-file/check.js';
import { nativeRole } from '../../src/metrics-file/attachment.js';
import { writeExemplarCell } from '../../src/metrics-file/exemplar-cell.js';
import { Series } from '../../src/storage/series.js';
import { Clocks } from '../support/clocks.js';
import { DeadProcess } from '../support/dead-process.js';
import { Reading, valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter, histogram } from '../support/declarations.js';
import { addTo, attach, createFile, fileKinds, type WrittenFile } from '../support/written-file.js';

interface Process extends WrittenFile {
  readonly series: Series;
}

const JOBS = { ...counter('jobs_total', ['tenant']), expireAfterSeconds: 3600 };

/** A process that has counted in one series. */
function start(dir: string, kind: 'mapped' | 'written', count: number, registries = ['default']): Process {
  const file = createFile(dir, { kind });
  const series = attach(file.store, file.store.declare(JOBS, registries), ['a']);
  addTo(series, count);
  return { ...file, series };
}

function mark({ store, series, writer }: Process, isIdle: boolean): void {
  if (isIdle) store.idle.expire(series);
  else store.idle.revive(series);
  writer.flush();
}

for (const kind of fileKinds()) {
  test(`${kind}: a series is shown with all its counts, unless it is idle in every process`, (t) => {
    const dir = withTempDir(t);
    const processes = [start(dir, kind, 60), start(dir, kind, 40)];
    for (const { writer } of processes) writer.flush();
    const reading = new Reading(dir);
    const check = (expected: number | undefined): void => {
      assert.equal(reading.values()['jobs_total{tenant="a"}'], expected);
      assert.equal(reading.stats.series, expected === undefined ? 0 : 1);
      assert.equal(valuesIn(dir)['jobs_total{tenant="a"}'], expected, 'to a new reader');
    };
    check(100);
    mark(processes[0], true);
    check(100);
    mark(processes[1], true);
    check(undefined);
    addTo(processes[0].series, 1);
    mark(processes[0], false);
    check(101);
    mark(processes[1], false);
    mark(processes[0], true);
    check(101);
    // a log that is written again has the marks too
    const { store, writer } = processes[0];
    for (let at = 0; at < 5000; at++) store.detach(attach(store, processes[0].series.family, [`b${at % 10}`]));
    writer.flush();
    check(101);
    mark(processes[1], true);
    check(undefined);
    for (const process of processes) {
      assert.deepEqual(checkFile(process.path).problems, []);
      process.writer.close();
    }
    check(undefined);
    reading.close();
    // a file that is written on a timer has no lock that tells that its process has ended
    if (kind === 'written') return;
    assert.equal(foldDirectory(dir).folded, 2);
    // it is shown until the time has passed since the end of the last process, as any other series
    assert.equal(valuesIn(dir)['jobs_total{tenant="a"}'], 101);
  });
}

test('an archived part that has expired is hidden with the series of living processes, and added when one of them counts', (t) => {
  const dir = withTempDir(t);
  const living = start(dir, fileKinds()[0], 60);
  const dead = new DeadProcess(dir);
  dead.declare(JOBS);
  dead.count('jobs_total', { tenant: 'a' }, 5).count('jobs_total', { tenant: 'gone' }, 7).die();
  assert.equal(foldDirectory(dir).folded, 1);
  const reading = new Reading(dir);
  const shown = (): (number | undefined)[] =>
    ['a', 'gone'].map((tenant) => reading.values()[`jobs_total{tenant="${tenant}"}`]);
  mark(living, true);
  assert.deepEqual(shown(), [65, 7], 'the dead process has ended just now');
  const clocks = new Clocks(t);
  clocks.pass(3 * 3600);
  assert.deepEqual(shown(), [undefined, 7]);
  mark(living, false);
  assert.deepEqual(shown(), [65, 7]);
  mark(living, true);
  new DeadProcess(dir).count('folds_total', {}, 1).die();
  assert.equal(foldDirectory(dir).expiredSeries, 1);
  assert.deepEqual(shown(), [undefined, undefined]);
  mark(living, false);
  assert.deepEqual(shown(), [65, undefined], 'the fold has kept the part of a series that a living process has');
  reading.close();
  living.writer.close();
});

test('series that are marked, and used again, while a store moves are so in the new file', (t) => {
  const from = start(withTempDir(t), fileKinds()[0], 60);
  const { store, series } = from;
  const others = Array.from({ length: 500 }, (_, at) => attach(store, series.family, [`b${at}`]));
  for (const other of others) addTo(other, 1);
  // so that the series have other slots in the new file
  for (let at = 2; at < 400; at += 2) store.detach(others[at]);
  const early = others[0];
  const late = others.at(-1)!;
  store.idle.expire(late);
  const dir = withTempDir(t);
  const to = createFile(dir, { kind: fileKinds()[0] });
  const steps = store.moveInSteps(to.writer);
  for (let step = 0; step < 3; step++) steps.next();
  store.idle.expire(early);
  store.idle.expire(others[498]);
  store.idle.revive(late);
  for (const _ of steps);
  from.writer.close();
  to.writer.flush();
  const values = valuesIn(dir);
  const shown = [early, others[1], others[498], late].map(
    ({ labelValues }) => values[`jobs_total{tenant="${labelValues[0]}"}`],
  );
  assert.deepEqual(shown, [undefined, 1, undefined, 1]);
  assert.equal(Object.keys(values).length, 300);
  to.writer.close();
});

test('families that an output combines show what is not idle in one of them', (t) => {
  const dir = withTempDir(t);
  const processes = [start(dir, 'written', 60, ['a']), start(dir, 'written', 40, ['b'])];
  for (const { writer } of processes) writer.flush();
  const reading = new Reading(dir);
  const value = (): number | undefined => reading.values()['jobs_total{tenant="a"}'];
  assert.equal(value(), 100);
  mark(processes[0], true);
  assert.equal(value(), 100);
  mark(processes[1], true);
  assert.equal(value(), undefined);
  assert.equal(reading.stats.series, 0);
  mark(processes[0], false);
  assert.equal(value(), 100);
  assert.equal(reading.stats.series, 1);
  reading.close();
  for (const { writer } of processes) writer.close();
});

test('bins, exemplars and their order stay with a series that is marked, for readers and for a fold', (t) => {
  const dir = withTempDir(t);
  const native = { schema: 3, zeroThreshold: 2 ** -128, maxBuckets: 160 };
  const file = createFile(dir);
  const wait = file.store.declare({ ...histogram('wait', [], ['tenant']), native, expireAfterSeconds: 3600 }, [
    'default',
  ]);
  const series = attach(file.store, wait, ['a']);
  const chunk = file.store.attachTo(series, nativeRole(1, 0, 3));
  chunk.view[chunk.index] = 7;
  const jobs = attach(file.store, file.store.declare(JOBS, ['default']), ['a']);
  addTo(jobs, 3);
  const exemplar = file.store.attachTo(jobs, { kind: 'exemplar', slotOffset: 0 });
  writeExemplarCell(exemplar.view, exemplar.index, { labels: { trace: 't' }, value: 3, timestamp: 1_700_000_000 });
  const reading = new Reading(dir);
  const attached = (): unknown[] =>
    reading.families().map(({ samples }) => [samples.at(-1)!.native?.positive ?? samples.at(-1)!.exemplar?.labels]);
  const before = attached();
  assert.match(JSON.stringify(before), /7[^]*"trace":"t"/);
  for (const isIdle of [true, false]) {
    for (const each of [series, jobs]) file.store.idle[isIdle ? 'expire' : 'revive'](each);
    file.writer.flush();
    const shown = reading.families().flatMap(({ samples }) => samples);
    if (isIdle) assert.deepEqual(shown, []);
  }
  assert.deepEqual(attached(), before);
  for (const each of [series, jobs]) file.store.idle.expire(each);
  file.writer.close();
  foldDirectory(dir);
  assert.deepEqual(attached(), before);
  reading.close();
});

test('where a metric is full, the series that is idle for the longest time makes room', (t: TestContext) => {
  const { store, writer } = createFile(withTempDir(t));
  const family = store.declare(JOBS, ['default'], 3);
  const all = ['a', 'b', 'c'].map((tenant) => attach(store, family, [tenant]));
  const names = (): string[] => [...family.series].map(({ labelValues }) => labelValues[0]!).toSorted();
  assert.equal(store.attach(new Series(family, ['d'])), false);
  for (const at of [1, 0]) store.idle.expire(all[at]);
  assert.equal(store.attach(new Series(family, ['d'])), true);
  assert.deepEqual(names(), ['a', 'c', 'd']);
  assert.equal(store.attach(new Series(family, ['e'])), true);
  assert.deepEqual(names(), ['c', 'd', 'e']);
  assert.equal(store.attach(new Series(family, ['f'])), false);
  writer.close();
});
