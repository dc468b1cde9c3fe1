/** Files of many series are read in steps, so that a scrape on the main thread does not hold the event loop. */
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { MultiprocessCollector } from 'prom-multiproc';
import { foldDirectory } from '../../src/archive/fold.js';
import { DirectoryCollection } from '../../src/collector/collection.js';
import { MergedBody, mergedFamilies } from '../../src/collector/merged-output.js';
import { formatOf } from '../../src/exposition/formats.js';
import { LabelTexts } from '../../src/merge/label-texts.js';
import { FileReader } from '../../src/metrics-file/reader.js';
import type { Series } from '../../src/storage/series.js';
import { completed } from '../../src/time-slices.js';
import { afterTest } from '../support/after-test.js';
import { DeadProcess } from '../support/dead-process.js';
import { counter } from '../support/declarations.js';
import { pythonFile, pythonKey } from '../support/python-file.js';
import { selectAll } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { addTo, attach, createFile, fileKinds } from '../support/written-file.js';

const SERIES = 12_000;
/** In one step. */
const MAX_SERIES = 1500;

function collectionOf(t: TestContext, dir: string): DirectoryCollection {
  const collection = new DirectoryCollection({ dir, deadRetentionSeconds: 60, maxOpenFiles: 10 });
  t.after(() => collection.close());
  return collection;
}

function nodeFile(dir: string): void {
  const dead = new DeadProcess(dir);
  for (let id = 0; id < SERIES; id++) dead.count('jobs_total', { id: `job ${id}` }, 1);
  dead.die();
}

/** Each way to make a file of many series. */
const LARGE_FILES: Readonly<Record<string, (dir: string) => void>> = {
  'the file of a process': nodeFile,
  'an archive': (dir) => {
    nodeFile(dir);
    assert.equal(foldDirectory(dir).folded, 1);
  },
  'a file of client_python': (dir) => {
    const keys = Array.from({ length: SERIES }, (_, id) => pythonKey('jobs', 'jobs_total', { id: `job ${id}` }));
    writeFileSync(
      join(dir, 'counter_4194304.db'),
      pythonFile(
        keys.map((key) => ({ key, value: 1 })),
        true,
      ),
    );
  },
};

for (const [name, make] of Object.entries(LARGE_FILES)) {
  test(`${name} with ${SERIES} series is read in steps of at most ${MAX_SERIES}`, (t) => {
    const dir = withTempDir(t, { checkFiles: false });
    make(dir);
    const collection = collectionOf(t, dir);
    let [largest, before] = [0, 0];
    const steps = collection.collect();
    for (let isDone: boolean | undefined = false; isDone !== true;) {
      isDone = steps.next().done;
      const { seriesCount } = collection.index;
      largest = Math.max(largest, seriesCount - before);
      before = seriesCount;
    }
    assert.equal(before, SERIES);
    assert.ok(largest <= MAX_SERIES, `${largest} series in one step`);
  });
}

for (const format of ['text', 'protobuf']) {
  test(`series are sorted and written in steps as ${format}, and each is in its place`, (t) => {
    const dir = withTempDir(t);
    const dead = new DeadProcess(dir);
    // in no order
    const ids = Array.from({ length: SERIES }, (_, at) => `job ${(at * 7919) % SERIES}`);
    for (const id of ids) dead.count('jobs_total', { id }, 1);
    dead.die();
    const collection = collectionOf(t, dir);
    completed(collection.collect());
    const selected = selectAll(collection);
    const written = t.mock.method(LabelTexts.prototype, 'writeOf');
    let largest = 0;
    const body = new MergedBody(selected, formatOf(format), {});
    for (const steps = body.render([]); steps.next().done !== true; written.mock.resetCalls()) {
      largest = Math.max(largest, written.mock.callCount());
    }
    assert.ok(largest <= MAX_SERIES, `${largest} texts in one step`);
    const [{ samples }] = completed(mergedFamilies(selected, {}));
    assert.deepEqual(
      samples.map(({ labels: { id } }) => id),
      ids.toSorted(),
    );
  });
}

/** A log of ten parts, so that there are pauses in it. */
const STABLE = 600;
/** As many as make most of the log obsolete, so that a new one is due. */
const CHURN = 1200;

for (const kind of fileKinds()) {
  test(`a process may begin new logs while its ${kind} file is read: every sum is right`, async (t) => {
    const dir = withTempDir(t);
    let nowMs = performance.now();
    t.mock.method(performance, 'now', () => nowMs);
    const { store, writer } = createFile(dir, { kind });
    afterTest(t, () => writer.close());
    const family = store.declare(counter('jobs_total', ['id']), ['default']);
    const stable = Array.from({ length: STABLE }, (_, id) => attach(store, family, [`${id}`.padStart(1000, '-')]));
    let rounds = 0;
    let changing: readonly Series[] = [];
    /** Counts in every series, and replaces those that change: each of them has its own value. */
    const change = (): void => {
      rounds++;
      for (const series of stable) addTo(series, 1);
      for (const series of changing) store.detach(series);
      changing = Array.from({ length: CHURN }, (_, at) => attach(store, family, [`${rounds * CHURN + at}`]));
      changing.forEach((series, at) => addTo(series, rounds * CHURN + at));
      // a new log may begin each second
      nowMs += 1100;
      writer.flush();
    };
    change();
    const begun = t.mock.method(writer, 'beginLog');
    for (let scrape = 0; scrape < 3; scrape++) {
      let pauses = 0;
      const collection = new DirectoryCollection({ dir, deadRetentionSeconds: 60, maxOpenFiles: 10 });
      const before = rounds;
      for (const _ of collection.collect()) {
        if (++pauses > 12 || pauses % 2 === 0) continue;
        change();
        await turn();
      }
      const [{ samples }] = completed(mergedFamilies(selectAll(collection), {}));
      for (const { labels, value } of samples.filter(({ labels: { id } }) => id.length < 1000)) {
        assert.ok(value === 0 || value === Number(labels.id), `${labels.id} is ${value}`);
      }
      const counts = samples.filter(({ labels: { id } }) => id.length === 1000).map(({ value }) => value);
      assert.equal(counts.length, STABLE);
      assert.ok(counts.every((count) => count >= before && count <= rounds));
      collection.close();
    }
    assert.ok(begun.mock.callCount() > 2, `${begun.mock.callCount()} new logs`);
  });
}

test('a fold in any pause of the reading removes and doubles no count', (t) => {
  let pauses = Infinity;
  for (let at = 0; at < pauses; at++) {
    const dir = withTempDir(t, { checkFiles: false });
    for (let process = 0; process < 2; process++) {
      const dead = new DeadProcess(dir);
      for (let id = 0; id < 2 * MAX_SERIES; id++) dead.count('jobs_total', { id: `job ${id}` }, 1);
      dead.die();
    }
    const collection = collectionOf(t, dir);
    let made = 0;
    for (const _ of collection.collect()) if (made++ === at) assert.equal(foldDirectory(dir).folded, 2);
    pauses = Math.min(pauses, made);
    const [{ samples }] = completed(mergedFamilies(selectAll(collection), {}));
    assert.equal(samples.length, 2 * MAX_SERIES, `a fold in pause ${at}`);
    assert.ok(
      samples.every(({ value }) => value === 2),
      `a fold in pause ${at}`,
    );
    collection.close();
  }
  assert.ok(pauses > 4, `${pauses} pauses`);
});

test('a collector that is closed while it reads a large file ends that collection first', async (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  nodeFile(dir);
  const collector = new MultiprocessCollector({ dir, threads: false, fold: false });
  const readLog = t.mock.method(FileReader.prototype, 'readLog');
  const collected = collector.families();
  while (readLog.mock.callCount() === 0) await turn();
  await collector.close();
  assert.deepEqual(openFilesIn(dir), []);
  assert.equal((await collected)[0].samples.length, SERIES);
});

test('a collector whose directory changes while it reads a large file ends that collection, and closes its files', async (t) => {
  const [dir, other] = [withTempDir(t, { checkFiles: false }), withTempDir(t)];
  nodeFile(dir);
  const { PROMETHEUS_MULTIPROC_DIR: named } = process.env;
  t.after(() => {
    if (named === undefined) delete process.env.PROMETHEUS_MULTIPROC_DIR;
    else process.env.PROMETHEUS_MULTIPROC_DIR = named;
  });
  process.env.PROMETHEUS_MULTIPROC_DIR = dir;
  const collector = new MultiprocessCollector({ threads: false, fold: false });
  afterTest(t, () => collector.close());
  const readLog = t.mock.method(FileReader.prototype, 'readLog');
  const collected = collector.families();
  while (readLog.mock.callCount() === 0) await turn();
  process.env.PROMETHEUS_MULTIPROC_DIR = other;
  const folded = collector.fold();
  assert.equal((await collected)[0].samples.length, SERIES);
  await folded;
  assert.deepEqual(openFilesIn(dir), []);
  assert.equal(
    (await collector.families()).some(({ name }) => name === 'jobs_total'),
    false,
  );
});

function openFilesIn(dir: string): string[] {
  return readdirSync('/proc/self/fd')
    .flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)];
      } catch {
        return [];
      }
    })
    .filter((path) => path.startsWith(dir) && path.endsWith('.prom-mp'));
}
