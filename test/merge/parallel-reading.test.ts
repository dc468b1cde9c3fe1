/** Reading while a process writes. */
import assert from 'node:assert/strict';
import { realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { FileReader } from '../../src/metrics-file/reader.js';
import { REUSE_DELAY_MS } from '../../src/storage/value-blocks.js';
import { forkProgram } from '../support/forked-program.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { BEHIND_MS } from '../support/cluster.js';
import { counter, gauge } from '../support/declarations.js';
import { attach, createFile, setGauge } from '../support/written-file.js';
import { countTorn, findMisplaced } from './parallel-reading.js';

for (const [where, parent] of [
  ['in memory', undefined],
  // in the temporary directory of this machine; FORMAT.md has the reason why not where values are written by calls
  ...(BEHIND_MS === 0 ? [['on a disk', realpathSync(tmpdir())] as const] : []),
] as const) {
  test(`none of 10 million values is torn that are read while a process stores into them, ${where}`, async (t) => {
    const dir = withTempDir(t, { parent });
    const writer = forkProgram(t, 'merge/programs/storer', [dir, 'values']);
    await writer.nextMessage();
    const { read, torn } = await countTorn(dir, { values: 10_000_000, rounds: 10 });
    assert.ok(read >= 10_000_000);
    assert.equal(torn, 0);
  });
}

test('no value appears under another series’ name while series are removed and created again', async (t) => {
  const dir = withTempDir(t);
  const writer = forkProgram(t, 'merge/programs/storer', [dir, 'churn']);
  await writer.nextMessage();
  // slots of removed series are reused after a second: this time is enough for several rounds
  const { right, wrong } = await findMisplaced(dir, { seconds: 4, scrapes: 10 });
  assert.deepEqual(wrong.slice(0, 10), []);
  assert.ok(right > 1000, `${right} values`);
  await writer.kill();
});

test('a series that is created between the readings of values and keys does not show an old value of its slots', (t) => {
  let nowMs = 10_000;
  t.mock.method(performance, 'now', () => nowMs);
  const dir = withTempDir(t);
  const { store, writer } = createFile(dir);
  const depth = store.declare(gauge('depth', 'max', ['kind']), ['default']);
  const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
  const former = attach(store, depth, ['former']);
  setGauge(former, 281);
  const { block, index } = former;
  const reading = new Reading(dir);
  assert.deepEqual(reading.values(), { 'depth{kind="former"}': 281 });
  store.detach(former);
  nowMs += REUSE_DELAY_MS;
  // a new log, in which no record has a slot of that block
  for (let at = 0; at < 1030; at++) store.detach(attach(store, jobs, [String(at)]));

  const { readValues } = FileReader.prototype;
  const taken: unknown[] = [];
  t.mock.method(FileReader.prototype, 'readValues', function (this: FileReader) {
    readValues.call(this);
    const next = attach(store, depth, ['next']);
    taken.push([next.block, next.index]);
  });
  assert.deepEqual(reading.values(), {});
  assert.deepEqual(taken, [[block, index]]);
  reading.close();
  writer.close();
});
