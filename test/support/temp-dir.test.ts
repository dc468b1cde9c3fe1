import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { afterTest } from './after-test.js';
import { setFileChecker, withTempDir } from './temp-dir.js';

test('the directory exists until the end of its test, and its data files are checked before it is removed', async (t) => {
  const checked: string[] = [];
  setFileChecker((path) => void checked.push(path));
  let dir = '';
  await t.test('a test that leaves files', (inner) => {
    dir = withTempDir(inner);
    mkdirSync(join(dir, 'app'));
    for (const name of ['app/1-0-0123456789abcdef.prom-mp', 'notes.txt']) writeFileSync(join(dir, name), '');
    assert.deepEqual(checked, []);
  });
  assert.deepEqual(checked, [join(dir, 'app/1-0-0123456789abcdef.prom-mp')]);
  assert.equal(existsSync(dir), false);
});

test('a test that breaks files on purpose can turn the check off', async (t) => {
  setFileChecker((path) => assert.fail(`${path} was checked`));
  await t.test('a test that leaves garbage', (inner) => {
    writeFileSync(join(withTempDir(inner, { checkFiles: false }), 'x.prom-mp'), 'garbage');
  });
});

test('the last registered cleanup runs first', async (t) => {
  const undone: string[] = [];
  await t.test('a directory, then a worker that writes to it', (inner) => {
    afterTest(inner, () => void undone.push('directory'));
    afterTest(inner, () => void undone.push('worker'));
  });
  assert.deepEqual(undone, ['worker', 'directory']);
});
