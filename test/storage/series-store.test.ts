import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { type TestContext, mock, test } from 'node:test';
import type { FileWriter } from '../../src/metrics-file/writer.js';
import type { Series } from '../../src/storage/series.js';
import { SeriesStore } from '../../src/storage/series-store.js';
import { checkFile } from '../../src/metrics-file/check.js';
import { afterTest } from '../support/after-test.js';
import { valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter, gauge } from '../support/declarations.js';
import { addTo, attach, createFile, createWriter, fileKinds, setGauge } from '../support/written-file.js';
import { describeStore } from './store-contract.js';
import { moveAll } from '../support/move-all.js';

const read = (writer: FileWriter | undefined): Record<string, number> | undefined =>
  writer === undefined ? undefined : valuesIn(dirname(writer.bytes.path));
const createTarget = (t: TestContext): FileWriter => createWriter(withTempDir(t));

describeStore({
  name: 'memory',
  create: (_, options) => ({ store: new SeriesStore(undefined, options) }),
  read,
  createTarget,
});
for (const kind of fileKinds()) {
  describeStore({
    name: kind,
    create: (t, limits) => createFile(withTempDir(t), { kind, limits }),
    read,
    createTarget,
  });
}

for (const kind of fileKinds()) {
  test(`${kind}: where the file has no room, series count in memory and move into it later`, (t) => {
    const dir = withTempDir(t);
    const { store, writer } = createFile(dir, { kind, maxBytes: 5 * 4096 });
    const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
    const all = Array.from({ length: 2000 }, (_, at) => attach(store, jobs, [String(at)]));
    for (const series of all) addTo(series, 1);
    const { liveSeries, bytesInMemory } = store.status;
    assert.equal(liveSeries, 2000);
    assert.ok(bytesInMemory > 0 && bytesInMemory < 2000 * 8);
    assert.match(String(writer.bytes.lastError), /cap of 20480 bytes/);
    writer.flush();
    const found = Object.values(valuesIn(dir));
    assert.ok(found.length > 10 && found.length < 2000);
    assert.ok(found.every((value) => value === 1));
    // a removal from the file makes room; the slots are reused later, and settle() finds them then
    for (const series of all.slice(0, 100)) store.detach(series);
    store.settle();
    const other = withTempDir(t);
    const roomier = createWriter(other, { kind });
    moveAll(store, roomier);
    for (const series of all.slice(100)) addTo(series, 1);
    roomier.flush();
    assert.equal(store.status.bytesInMemory, 0);
    const moved = Object.values(valuesIn(other));
    assert.equal(moved.length, 1900);
    assert.ok(moved.every((value) => value === 2));
    writer.remove();
  });
}

test('settle() moves in what was counted in memory as soon as the file has room, and the log then names it', (t) => {
  const dir = withTempDir(t);
  const { store, writer } = createFile(dir);
  let room = 3;
  const { addValueBlock, append } = writer;
  writer.addValueBlock = (...block) => (room-- > 0 ? addValueBlock.apply(writer, block) : undefined);
  writer.append = (record) => room > 0 && append.call(writer, record);
  const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
  const depth = store.declare(gauge('depth', 'max', ['queue']), ['default']);
  const all = Array.from({ length: 3000 }, (_, at) => attach(store, jobs, [String(at)]));
  for (const series of all) addTo(series, 1);
  setGauge(attach(store, depth, ['a']), 4);
  const removed = all.splice(0, 10);
  for (const series of removed) store.detach(series);
  assert.ok(store.status.bytesInMemory > 0);
  store.settle();
  assert.ok(store.status.bytesInMemory > 0);
  room = 100;
  store.settle();
  assert.equal(store.status.bytesInMemory, 0);
  for (const series of all) addTo(series, 1);
  const values = valuesIn(dir);
  assert.equal(Object.keys(values).length, 2991);
  assert.equal(values['depth{queue="a"}'], 4);
  delete values['depth{queue="a"}'];
  assert.ok(Object.values(values).every((value) => value === 2));
  assert.ok(checkFile(writer.bytes.path).ok);
});

for (const end of ['to the end', 'until the store moves elsewhere'] as const) {
  test(`settling in steps ${end}, series come, go and count, and all is there`, (t) => {
    const dir = withTempDir(t);
    const { store, writer } = createFile(dir);
    const { addValueBlock, append } = writer;
    let room = 3;
    writer.addValueBlock = (...block) => (room-- > 0 ? addValueBlock.apply(writer, block) : undefined);
    writer.append = (record) => room > 0 && append.call(writer, record);
    const families = ['jobs_total', 'tasks_total'].map((name) => store.declare(counter(name, ['kind']), ['default']));
    const truth = new Map<Series, number>();
    const come = (kind: number): void => {
      const series = attach(store, families[kind % 2], [String(kind)]);
      addTo(series, kind);
      if (kind % 10 === 0) store.attachTo(series, { kind: 'exemplar', slotOffset: 0 });
      truth.set(series, kind);
    };
    for (let kind = 0; kind < 3000; kind++) come(kind);
    room = 100;
    let steps = 0;
    for (const _ of store.settleInSteps()) {
      const all = [...truth.keys()];
      const [first, last] = [all[0], all.at(-1)!];
      if (steps % 7 === 0) store.detach(first);
      if (steps % 7 === 0) truth.delete(first);
      addTo(last, 1);
      truth.set(last, truth.get(last)! + 1);
      if (steps % 5 === 0) come(3000 + steps);
      if (end !== 'to the end' && steps === 1000) break;
      steps++;
    }
    const elsewhere = withTempDir(t);
    if (end !== 'to the end') moveAll(store, createWriter(elsewhere));
    assert.ok(steps >= 1000, `${steps} steps`);
    assert.equal(store.status.bytesInMemory, 0);
    const expected = [...truth].map(([{ family, labelValues }, value]) => [
      `${family.declaration.name}{kind="${String(labelValues[0])}"}`,
      value,
    ]);
    assert.deepEqual(valuesIn(end === 'to the end' ? dir : elsewhere), Object.fromEntries(expected));
    assert.ok(checkFile(writer.bytes.path).ok);
  });
}

test('slots of a file that is flushed are not reused before readers know of the removal', (t) => {
  let nowMs = 10_000;
  const clock = mock.method(performance, 'now', () => nowMs);
  afterTest(t, () => clock.mock.restore());
  const { store, writer } = createFile(withTempDir(t), { kind: 'written' });
  const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
  const removed = attach(store, jobs, ['removed']);
  const { index } = removed;
  writer.flush();
  nowMs += 1;
  store.detach(removed);
  // the event loop is busy: no flush for seconds
  nowMs += 5000;
  assert.notEqual(attach(store, jobs, ['early']).index, index);
  writer.flush();
  nowMs += 1;
  assert.equal(attach(store, jobs, ['late']).index, index);
  writer.close();
});
