import assert from 'node:assert/strict';
import { chmodSync, linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { archiveName, archiveTemporaryName, dataFileName, temporaryName } from '../../src/directory/file-name.js';
import { type DirectoryScan, scanDirectory, scanInSteps } from '../../src/directory/scan.js';
import { forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

test("a scan finds this package's files by name, the newest archive first", (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  const writer = { pid: 42, threadId: 7, id: '0123456789abcdef' };
  const dataFile = dataFileName(writer);
  const temporaries = [temporaryName(dataFile), archiveTemporaryName(4, writer.id)];
  const strangers = [
    'dir.lock',
    'fold.lock',
    'scraped',
    'notes.txt',
    '.hidden',
    'x.prom-mp',
    'archive-1.prom-mp-archive',
  ];
  const archives = [2, 10, 9].map(archiveName);
  for (const name of [dataFile, ...temporaries, ...strangers, ...archives]) writeFileSync(join(dir, name), '');
  mkdirSync(join(dir, 'subdirectory'));
  const scan = scanDirectory(dir);
  assert.deepEqual(scan.dataFiles, [{ name: dataFile, ...writer }]);
  assert.deepEqual(
    scan.archives,
    [10, 9, 2].map((generation) => ({ name: archiveName(generation), generation })),
  );
  assert.deepEqual(scan.temporaries.toSorted(), temporaries.toSorted());
});

test('a directory that does not exist yet is empty', (t) => {
  const nothing = { dataFiles: [], archives: [], temporaries: [], pushes: [], foreign: [] };
  assert.deepEqual(scanDirectory(join(withTempDir(t), 'later')), nothing);
});

test('a path that is not a directory is refused', (t) => {
  const file = join(withTempDir(t), 'file');
  writeFileSync(file, '');
  assert.throws(() => scanDirectory(file), { code: 'ERR_DIRECTORY_REFUSED', message: /is not a directory/ });
});

test('a directory that this user may not read is a clear error', needs('other users'), async (t) => {
  const dir = withTempDir(t);
  chmodSync(dir, 0o700);
  const scanner = forkProgram(t, 'directory/programs/scanner', [dir], { uid: 1000, gid: 1000 });
  const error = await scanner.nextMessage<{ code: string; message: string }>();
  assert.equal(error.code, 'ERR_PERMISSION');
  assert.equal(error.message.includes(dir) && error.message.includes('uid 1000'), true);
});

function namesIn(scan: Generator<void, DirectoryScan>): string[] {
  for (;;) {
    const step = scan.next();
    if (step.done === true) return step.value.dataFiles.map(({ name }) => name);
  }
}

test('among 10,000 names of other programs a scan pauses, is remembered, and misses no new file', async (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  const junk = newFile(dir, 'junk');
  for (let at = 0; at < 10_000; at++) linkSync(junk, join(dir, `junk-${at}`));
  const steps = scanInSteps(dir);
  let count = 0;
  for (let step = steps.next(); step.done !== true; step = steps.next()) count++;
  assert.ok(count >= 15, `${count} pauses`);
  const expected: string[] = [];
  for (let id = 0; id < 12; id++) {
    const name = dataFileName({ pid: 42, threadId: 0, id: String(id).padStart(16, '0') });
    newFile(dir, name);
    expected.push(name);
    if (id % 4 === 0) await delay(60);
    const found = id % 2 === 0 ? scanDirectory(dir).dataFiles.map((file) => file.name) : namesIn(scanInSteps(dir));
    assert.deepEqual(found.toSorted(), expected);
  }
  await delay(60);
  assert.equal(scanDirectory(dir), scanDirectory(dir), 'it is listed no more while nothing changes');
});

function newFile(dir: string, name: string): string {
  const path = join(dir, name);
  writeFileSync(path, '');
  return path;
}
