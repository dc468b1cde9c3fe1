import assert from 'node:assert/strict';
import { rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { WatchedFiles } from '../../../src/serve/web-config/watched-files.js';
import { withTempDir } from '../../support/temp-dir.js';

const AN_HOUR_AGO = Date.now() / 1000 - 3600;

/** A file that was written an hour ago. */
function oldFile(t: TestContext, text: string): string {
  const path = join(withTempDir(t), 'web.yml');
  writeFileSync(path, text);
  utimesSync(path, AN_HOUR_AGO, AN_HOUR_AGO);
  return path;
}

test('an old file has not changed until it looks different', async (t) => {
  const path = oldFile(t, 'one');
  const files = new WatchedFiles();
  assert.equal(await files.read(path), 'one');
  assert.equal(await files.mayHaveChanged(), false);
  writeFileSync(path, 'two');
  assert.equal(await files.mayHaveChanged(), true);
});

test('a changed file with the old size and modification time is seen by its other times', async (t) => {
  const path = oldFile(t, 'one');
  const files = new WatchedFiles();
  await files.read(path);
  const { ctimeMs } = statSync(path);
  while (statSync(path).ctimeMs === ctimeMs) {
    writeFileSync(path, 'two');
    utimesSync(path, AN_HOUR_AGO, AN_HOUR_AGO);
  }
  assert.equal(await files.mayHaveChanged(), true);
});

test('a file that was written just now may change again without looking different', async (t) => {
  const path = join(withTempDir(t), 'web.yml');
  writeFileSync(path, 'one');
  const files = new WatchedFiles();
  await files.read(path);
  assert.equal(await files.mayHaveChanged(), true);
});

test('a missing file is watched for coming, and a file for going', async (t) => {
  const path = oldFile(t, 'one');
  const files = new WatchedFiles();
  await files.read(path);
  rmSync(path);
  assert.equal(await files.mayHaveChanged(), true);
  const missing = new WatchedFiles();
  await assert.rejects(missing.read(path), { code: 'ENOENT' });
  assert.equal(await missing.mayHaveChanged(), false);
  writeFileSync(path, 'one');
  assert.equal(await missing.mayHaveChanged(), true);
});

test('equal contents have equal digests, wherever a text ends and the next begins', async (t) => {
  const dir = withTempDir(t);
  const [one, other] = [join(dir, 'a'), join(dir, 'b')];
  const digestOf = async (first: string, second: string): Promise<string> => {
    writeFileSync(one, first);
    writeFileSync(other, second);
    const files = new WatchedFiles();
    await files.read(one);
    await files.read(other);
    return files.contentsDigest();
  };
  assert.equal(await digestOf('x', 'y'), await digestOf('x', 'y'));
  assert.notEqual(await digestOf('x', 'y'), await digestOf('xy', ''));
});
