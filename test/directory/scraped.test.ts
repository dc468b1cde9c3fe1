import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lastScraped, touchScraped } from '../../src/directory/scraped.js';
import { forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

test('the time of a scrape is recorded, and of the next one too', (t) => {
  const dir = withTempDir(t);
  assert.equal(lastScraped(dir), 0);
  const before = Date.now() / 1000 - 1;
  assert.equal(touchScraped(dir), true);
  assert.ok(lastScraped(dir) >= before);
  utimesSync(join(dir, 'scraped'), 1000, 1000);
  assert.equal(lastScraped(dir), 1000);
  assert.equal(touchScraped(dir), true);
  assert.ok(lastScraped(dir) >= before);
  assert.equal(readFileSync(join(dir, 'scraped')).length, 1);
});

test('a missing directory is not created, and was never scraped', (t) => {
  const base = withTempDir(t);
  assert.equal(touchScraped(join(base, 'later')), false);
  assert.equal(lastScraped(join(base, 'later')), 0);
  assert.deepEqual(readdirSync(base), []);
});

test('a symlink or a directory in place of the file is neither written nor read', (t) => {
  const base = withTempDir(t);
  const victim = join(base, 'victim');
  writeFileSync(victim, 'precious');
  const linked = join(base, 'linked');
  mkdirSync(linked);
  symlinkSync(victim, join(linked, 'scraped'));
  const occupied = join(base, 'occupied');
  mkdirSync(join(occupied, 'scraped'), { recursive: true });
  for (const dir of [linked, occupied]) {
    assert.equal(touchScraped(dir), false);
    assert.equal(lastScraped(dir), 0);
  }
  assert.equal(readFileSync(victim, 'latin1'), 'precious');
});

test(
  'a reader without write permission gets false, and reads the time nevertheless',
  needs('other users'),
  async (t) => {
    const dir = withTempDir(t);
    chmodSync(dir, 0o755);
    touchScraped(dir);
    utimesSync(join(dir, 'scraped'), 1000, 1000);
    const touch = (): Promise<unknown> =>
      forkProgram(t, 'directory/programs/scraper', [dir], { uid: 1000, gid: 1000 }).nextMessage();
    assert.deepEqual(await touch(), [false, 1000]);
    chmodSync(join(dir, 'scraped'), 0o666);
    const [touched, at] = (await touch()) as [boolean, number];
    assert.equal(touched, true, "another user's file, where its mode allows it");
    assert.ok(at > 1000);
  },
);
