import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFixture } from '../support/fixture.js';
import { withTempDir } from '../support/temp-dir.js';
import { countTorn, findMisplaced } from './parallel-reading.js';

test('of 10 million values read while a process stores into them none is torn', async (t) => {
  const dir = withTempDir(t);
  const writer = startFixture(t, 'merge/fixtures/storer', [dir, 'values']);
  await writer.said();
  const { read, torn } = await countTorn(dir, { values: 10_000_000, rounds: 10 });
  assert.ok(read >= 10_000_000);
  assert.equal(torn, 0);
});

test('no value stands under another series’ name while series are removed and made again', async (t) => {
  const dir = withTempDir(t);
  const writer = startFixture(t, 'merge/fixtures/storer', [dir, 'churn']);
  await writer.said();
  // the slots of what was removed are given away after a second: within these there are several turns
  const { right, wrong } = await findMisplaced(dir, { seconds: 4, scrapes: 10 });
  assert.deepEqual(wrong.slice(0, 10), []);
  assert.ok(right > 1000, `${right} values`);
  await writer.kill();
});
