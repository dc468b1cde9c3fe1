/** The writes of a flush of a file without a mapping, and its behaviour where it cannot write. */
import assert from 'node:assert/strict';
import fs, { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { checkFile } from '../../src/metrics-file/check.js';
import { FileWriter } from '../../src/metrics-file/writer.js';
import { WrittenBytes } from '../../src/metrics-file/written-bytes.js';
import { REUSE_DELAY_MS } from '../../src/storage/value-blocks.js';
import { afterTest } from '../support/after-test.js';
import { valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { failWritesAfter, watchWrites } from '../support/watched-writes.js';
import { counter } from '../support/declarations.js';
import { addTo, attach, createFile, newIdentity } from '../support/written-file.js';

const PAGE_BYTES = 4096;
const SLOTS_OF_PAGE = PAGE_BYTES / 8;

test('a flush writes the pages whose values have changed since the last flush, and nothing else', (t) => {
  const { store, writer } = createFile(withTempDir(t), { kind: 'written' });
  const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
  const all = Array.from({ length: 9000 }, (_, at) => attach(store, jobs, [String(at)]));
  const first = watchWrites(() => writer.flush());
  assert.ok(first.length > 20);
  assert.deepEqual(
    watchWrites(() => writer.flush()),
    [],
  );
  addTo(all[1234], 1);
  const [write, ...others] = watchWrites(() => writer.flush());
  assert.ok(write.bytes <= PAGE_BYTES);
  assert.deepEqual(others, []);
  // the same page twice, the next one, and one further on
  const { block, index } = all[5000];
  for (const slots of [0, 1, SLOTS_OF_PAGE, 4 * SLOTS_OF_PAGE]) block!.view[index + slots]++;
  const pages = watchWrites(() => writer.flush()).map(({ position }) => Math.floor(position / PAGE_BYTES));
  assert.deepEqual(pages, [pages[0], pages[0] + 1, pages[0] + 4]);
  assert.deepEqual(
    watchWrites(() => writer.flush()),
    [],
  );
  writer.close();
});

test('a flush that has a record to publish writes the record and not the log', (t) => {
  const dir = withTempDir(t);
  const { store, writer } = createFile(dir, { kind: 'written' });
  const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
  for (let at = 0; at < 5000; at++) attach(store, jobs, [String(at)]);
  writer.flush();
  addTo(attach(store, jobs, ['new']), 1);
  const bytes = watchWrites(() => writer.flush()).reduce((sum, write) => sum + write.bytes, 0);
  assert.ok(bytes < PAGE_BYTES + 200, `${bytes} bytes`);
  assert.equal(valuesIn(dir)['jobs_total{kind="new"}'], 1);
  writer.close();
});

test('an unchanged NaN is not a change, and a new or removed one is', (t) => {
  const { store, writer } = createFile(withTempDir(t), { kind: 'written' });
  const series = attach(store, store.declare(counter('jobs_total'), ['default']), []);
  const flushed = (value: number): number => {
    series.view[series.index] = value;
    return watchWrites(() => writer.flush()).length;
  };
  writer.flush();
  assert.deepEqual(
    [NaN, NaN, 1, 1, 0, -0].map((value) => flushed(value)),
    [1, 0, 1, 0, 1, 1],
  );
  writer.close();
});

test('after a flush that failed at any place, the next one writes everything to the file', (t) => {
  for (let failsAfter = 0, failed = true; failed; failsAfter++) {
    const dir = withTempDir(t);
    const { store, writer } = createFile(dir, { kind: 'written' });
    const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
    const all = Array.from({ length: 600 }, (_, at) => attach(store, jobs, [String(at)]));
    failWritesAfter(failsAfter, () => {
      failed = !writer.flush();
    });
    if (failed) assert.match(String(writer.bytes.lastError), /EIO/);
    const { ok, problems } = checkFile(writer.bytes.path);
    assert.ok(ok, JSON.stringify(problems));
    for (const series of all) addTo(series, 1);
    assert.ok(writer.flush());
    const values = Object.values(valuesIn(dir));
    assert.equal(values.length, 600);
    assert.ok(values.every((value) => value === 1));
    writer.close();
  }
});

test('slots are not reused when a failed flush has left out their removal', (t) => {
  let nowMs = 10_000;
  const clock = mock.method(performance, 'now', () => nowMs);
  afterTest(t, () => clock.mock.restore());
  const dir = withTempDir(t);
  const { store, writer } = createFile(dir, { kind: 'written' });
  const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
  const removed = attach(store, jobs, ['removed']);
  addTo(removed, 100);
  const { index } = removed;
  writer.flush();
  nowMs += 1;
  store.detach(removed);
  nowMs += REUSE_DELAY_MS;
  failWritesAfter(0, () => assert.equal(writer.flush(), false));
  nowMs += REUSE_DELAY_MS;
  const other = attach(store, jobs, ['other']);
  assert.notEqual(other.index, index);
  assert.deepEqual(valuesIn(dir), { 'jobs_total{kind="removed"}': 100 });
  writer.flush();
  assert.deepEqual(valuesIn(dir), { 'jobs_total{kind="other"}': 0 });
  writer.close();
});

test('a file whose header cannot be written does not get the name under which readers find it', (t) => {
  const dir = withTempDir(t);
  const bytes = new WrittenBytes({ temporaryPath: join(dir, 'aside') });
  const writer = new FileWriter(bytes, newIdentity({ liveness: 'heartbeat' }));
  failWritesAfter(0, () => assert.throws(() => bytes.publish(join(dir, 'published')), /EIO/));
  assert.deepEqual(readdirSync(dir), ['aside']);
  bytes.publish(join(dir, 'published'));
  assert.ok(existsSync(join(dir, 'published')));
  writer.remove();
});

test('a file that another host has removed is not linked any more', (t) => {
  const { writer } = createFile(withTempDir(t), { kind: 'written' });
  assert.equal(writer.bytes.isLinked(), true);
  const code = { value: 'ESTALE' };
  const stat = mock.method(fs, 'fstatSync', () => {
    throw Object.assign(new Error(code.value), { code: code.value });
  });
  afterTest(t, () => stat.mock.restore());
  assert.equal(writer.bytes.isLinked(), false);
  code.value = 'EIO';
  assert.equal(writer.bytes.isLinked(), undefined);
  stat.mock.restore();
  writer.close();
});
