/**
 * A SIGKILL, and a reader, at any step of a `collect()`: each finds all changes of the callback or none. The steps are
 * those of the publish order in a mapping, and the writes of a file that is written on a timer.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { checkFile } from '../../src/metrics-file/check.js';
import { FileWriter } from '../../src/metrics-file/writer.js';
import type { FamilyDeclaration } from '../../src/model/family-declaration.js';
import type { Series } from '../../src/storage/series.js';
import { Reading, valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { watchWrites } from '../support/watched-writes.js';
import { counter, gauge } from '../support/declarations.js';
import { attach, createFile, fileKinds, setGauge, type WrittenFile } from '../support/written-file.js';
import { moveAll } from '../support/move-all.js';

type Values = Readonly<Record<string, number>>;

/** Runs `work`, and collects the values after a kill at each of its steps, and those that a living reader finds. */
function foundAtEveryStep({ path, writer }: WrittenFile, killed: string, living: Reading, work: () => void): Values[] {
  const copy = join(killed, basename(path));
  const found: Values[] = [];
  const look = (): void => {
    copyFileSync(path, copy);
    const { ok, problems } = checkFile(copy);
    assert.ok(ok, JSON.stringify(problems));
    found.push(valuesIn(killed), living.values());
  };
  const lookAfter = (step: () => void): void => {
    step();
    look();
  };
  if (writer.kind === 'mapped') {
    FileWriter.onStep = look;
    try {
      lookAfter(work);
    } finally {
      FileWriter.onStep = undefined;
    }
  } else {
    watchWrites(() => lookAfter(work), look);
    watchWrites(() => lookAfter(() => writer.flush()), look);
  }
  return found;
}

interface Life extends WrittenFile {
  readonly family: ReturnType<WrittenFile['store']['declare']>;
  readonly living: Reading;
  readonly killed: string;
}

function begin(t: TestContext, kind: 'mapped' | 'written', declaration: FamilyDeclaration): Life {
  const dir = withTempDir(t);
  const killed = join(dir, 'killed');
  mkdirSync(killed);
  const file = createFile(dir, { kind });
  const living = new Reading(dir);
  t.after(() => {
    living.close();
    file.writer.close();
  });
  return { ...file, family: file.store.declare(declaration, ['default']), living, killed };
}

function distinct(found: readonly Values[]): Values[] {
  return [...new Set(found.map((values) => JSON.stringify(values)))].map((text) => JSON.parse(text) as Values);
}

const roomsOf = (values: readonly number[]): Values =>
  Object.fromEntries(values.map((value, at) => [`rooms{name="${at}"}`, value]));

for (const kind of fileKinds()) {
  test(`${kind}: a gauge that is reset and set again shows the former values, and then all new ones`, (t) => {
    const { store, family, living, killed, ...file } = begin(t, kind, gauge('rooms', 'sum', ['name']));
    const set = (series: Series[], values: readonly number[]): Series[] => {
      for (const each of series) store.detach(each);
      return values.map((value, at) => {
        const room = attach(store, family, [String(at)]);
        setGauge(room, value);
        return room;
      });
    };
    const states = [[3, 1, 4], [3, 1], [5], [9, 2, 6, 5], [], [3, 5]];
    let rooms: Series[] = [];
    let before: readonly number[] = [];
    for (const after of states) {
      const found = foundAtEveryStep({ store, ...file }, killed, living, () => {
        const run = store.beginCollect(family);
        rooms = set(rooms, []);
        rooms = set(rooms, [0, 0, 0]);
        rooms = set(rooms, after);
        run.end(true);
      });
      assert.deepEqual(distinct(found), [roomsOf(before), roomsOf(after)]);
      before = after;
    }
  });

  test(`${kind}: readers never see remaining series half changed, whether or not values equal the former ones`, (t) => {
    const { store, family, living, killed, ...file } = begin(t, kind, gauge('rooms', 'mostrecent', ['name']));
    const rooms = Array.from({ length: 400 }, (_, at) => attach(store, family, [String(at)]));
    for (const room of rooms) setGauge(room, 0);
    file.writer.flush();
    for (let turn = 1; turn <= 3; turn++) {
      const found = foundAtEveryStep({ store, ...file }, killed, living, () => {
        const run = store.beginCollect(family);
        rooms.forEach((room, at) => at % turn === 0 && setGauge(room, turn, turn + 1));
        run.end(true);
      });
      const states = distinct(found);
      assert.ok(states.length <= 2, `${states.length} different states`);
      assert.deepEqual(states.at(-1), roomsOf(rooms.map(({ view, index }) => view[index])));
    }
  });

  test(`${kind}: readers see a counter that is reset continue until the callback has ended`, (t) => {
    const { store, family, living, killed, ...file } = begin(t, kind, counter('jobs_total', ['kind']));
    const other = attach(store, family, ['other']);
    let imported = attach(store, family, ['imported']);
    imported.view[imported.index] = 10;
    file.writer.flush();
    const found = foundAtEveryStep({ store, ...file }, killed, living, () => {
      const run = store.beginCollect(family);
      store.detach(imported);
      imported = attach(store, family, ['imported']);
      for (let count = 0; count < 12; count++) imported.view[imported.index]++;
      run.end(true);
    });
    const [importedLine, otherLine] = ['imported', 'other'].map((name) => `jobs_total{kind="${name}"}`);
    assert.deepEqual(distinct(found), [
      { [importedLine]: 10, [otherLine]: 0 },
      { [importedLine]: 12, [otherLine]: 0 },
    ]);
    // counts of the application during a callback are in the file at once
    const run = store.beginCollect(family);
    other.view[other.index] += 5;
    file.writer.flush();
    assert.equal(living.values()[otherLine], 5);
    run.end(true);
  });
}

test('after a callback that fails readers see the former state, and after the next success all changes', (t) => {
  const { store, family, living } = begin(t, fileKinds()[0], gauge('rooms', 'sum', ['name']));
  const room = attach(store, family, ['0']);
  setGauge(room, 3);
  const failing = store.beginCollect(family);
  store.detach(room);
  failing.end(false);
  assert.deepEqual(living.values(), roomsOf([3]));
  setGauge(attach(store, family, ['0']), 4);
  assert.deepEqual(living.values(), roomsOf([3]), 'set between two callbacks');
  store.beginCollect(family).end(true);
  assert.deepEqual(living.values(), roomsOf([4]));
});

test('a callback that fails before it changes anything delays nothing', (t) => {
  const { store, family, living } = begin(t, fileKinds()[0], gauge('rooms', 'sum', ['name']));
  const room = attach(store, family, ['0']);
  setGauge(room, 3);
  store.beginCollect(family).end(false);
  setGauge(room, 4);
  assert.deepEqual(living.values(), roomsOf([4]));
});

test('series of other metrics that a callback removes disappear for readers when it has ended, or when no caller waits for it', (t) => {
  const { store, family, living } = begin(t, fileKinds()[0], gauge('rooms', 'sum', ['name']));
  const collecting = store.declare(gauge('collecting', 'sum', ['name']), ['default']);
  let room = attach(store, family, ['0']);
  setGauge(room, 3);
  const refill = (value: number): void => {
    store.detach(room);
    room = attach(store, family, ['0']);
    setGauge(room, value);
  };
  const run = store.beginCollect(collecting);
  refill(4);
  assert.deepEqual(living.values(), roomsOf([3]));
  run.end(true);
  assert.deepEqual(living.values(), roomsOf([4]));
  const hanging = store.beginCollect(collecting);
  refill(5);
  assert.deepEqual(living.values(), roomsOf([4]));
  hanging.abandon();
  assert.deepEqual(living.values(), roomsOf([5]));
});

test('a family that is forgotten in its callback disappears, and one whose file is created again is unchanged', (t) => {
  const { store, family, living, writer } = begin(t, fileKinds()[0], gauge('rooms', 'sum', ['name']));
  const room = attach(store, family, ['0']);
  setGauge(room, 3);
  const run = store.beginCollect(family);
  setGauge(room, 4);
  const other = createFile(withTempDir(t), { kind: writer.kind as 'mapped' });
  moveAll(store, other.writer);
  assert.equal(room.view[room.index], 4);
  const reading = new Reading(join(other.path, '..'));
  assert.deepEqual(reading.values(), roomsOf([3]));
  run.end(true);
  assert.deepEqual(reading.values(), roomsOf([4]));
  const second = store.beginCollect(family);
  setGauge(room, 5);
  store.forget(family);
  assert.deepEqual(reading.values(), {});
  second.end(true);
  assert.deepEqual(reading.values(), {});
  reading.close();
  other.writer.close();
  living.close();
});
