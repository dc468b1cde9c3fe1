import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFixture } from '../support/fixture.js';
import { withTempDir } from '../support/temp-dir.js';
import { countTorn, findMisplaced } from './parallel-reading.js';

test('of 10 million values read while a process stores into them none is torn', async (t) => {
  const dir = withTempDir(t);
  const writer = startFixture(t, 'merge/fixtures/storer', [dir, 'values']);
  await writer.said();
  const { read, torn, distinct } = await countTorn(dir, 10_000_000);
  assert.ok(read >= 10_000_000);
  // the writer did write meanwhile
  assert.ok(distinct > 10, `${distinct} values seen`);
  assert.equal(torn, 0);
});

test('no value stands under another series’ name while series are removed and made again', async (t) => {
  const dir = withTempDir(t);
  const writer = startFixture(t, 'merge/fixtures/storer', [dir, 'churn']);
  await writer.said();
  const { right, wrong, scrapes } = await findMisplaced(dir, performance.now() + 4000);
  assert.deepEqual(wrong.slice(0, 10), []);
  assert.ok(right > 1000 && scrapes > 10, `${right} values in ${scrapes} scrapes`);
  await writer.kill();
});
