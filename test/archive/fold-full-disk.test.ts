/** Folds when they are needed most: files of dead processes have filled the disk. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { MultiprocessCollector } from '../../src/collector/multiprocess-collector.js';
import { archiveName, archiveTemporaryName } from '../../src/directory/file-name.js';
import { Fold, foldDirectory, type FoldStep } from '../../src/archive/fold.js';
import { native } from '../../src/metrics-file/mapping.js';
import { afterTest } from '../support/after-test.js';
import { addDead } from '../support/dead-process.js';
import { valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

const MOUNTS = needs('root', 'namespaces');

/** A file system of 1 MiB. */
function mounted(t: TestContext): string {
  const dir = join(withTempDir(t), 'mounted');
  mkdirSync(dir);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', dir]);
  afterTest(t, () => void execFileSync('umount', ['-l', dir]));
  return dir;
}

/** Fills all remaining space. */
function fill(dir: string): string {
  const path = join(dir, 'somebody-elses');
  const { bavail, bsize } = statfsSync(dir);
  writeFileSync(path, Buffer.alloc(bavail * bsize));
  return path;
}

function filesIn(dir: string): string[] {
  return readdirSync(dir)
    .filter((name) => name.includes('prom-mp'))
    .toSorted();
}

/** Runs a fold that is killed after a step. */
function foldUntil(t: TestContext, dir: string, last: FoldStep): void {
  t.after(() => (Fold.onStep = undefined));
  Fold.onStep = (step) => {
    if (step === last) throw Object.assign(new Error('killed'), { code: 'EIO' });
  };
  foldDirectory(dir);
  Fold.onStep = undefined;
}

test('on a full disk the files of dead processes do not change, and are folded when there is room', MOUNTS, (t) => {
  const dir = mounted(t);
  addDead(dir, 3);
  const filler = fill(dir);
  const before = filesIn(dir);
  const { abandoned, folded } = foldDirectory(dir);
  assert.deepEqual([abandoned, folded], ['no room', 0]);
  assert.deepEqual(filesIn(dir), before);
  rmSync(filler);
  assert.equal(foldDirectory(dir).folded, 3);
  assert.deepEqual(valuesIn(dir), { jobs_total: 3 });
});

test('leftovers of a killed fold are removed first, because they may be the only space on the disk', MOUNTS, (t) => {
  const dir = mounted(t);
  addDead(dir, 3);
  foldUntil(t, dir, 'published');
  addDead(dir, 1);
  if (native() !== undefined) {
    writeFileSync(join(dir, archiveTemporaryName(2, '0123456789abcdef')), Buffer.alloc(100_000));
  }
  fill(dir);
  const { abandoned, folded, removed } = foldDirectory(dir);
  assert.deepEqual([abandoned, folded, removed], [undefined, 1, 4]);
  assert.deepEqual(filesIn(dir), [archiveName(2)]);
  assert.deepEqual(valuesIn(dir), { jobs_total: 4 });
});

test('a fold without dead files removes the leftovers of another', needs('root', 'namespaces'), (t) => {
  const dir = withTempDir(t);
  addDead(dir, 1);
  foldDirectory(dir);
  addDead(dir, 2);
  foldUntil(t, dir, 'published');
  assert.equal(filesIn(dir).length, 4);
  const { folded, removed } = foldDirectory(dir);
  assert.deepEqual([folded, removed], [0, 2]);
  assert.deepEqual(filesIn(dir), [archiveName(2)]);
  assert.deepEqual(valuesIn(dir), { jobs_total: 3 });
});

test('after a fold that found no room the next scrapes do not try it again', MOUNTS, async (t) => {
  const dir = mounted(t);
  const collector = new MultiprocessCollector({ dir, threads: false, fold: { files: 2 } });
  t.after(() => collector.close());
  await collector.metrics();
  addDead(dir, 3);
  fill(dir);
  assert.equal((await collector.fold()).abandoned, 'no room');
  // each attempt creates files here
  const { ctimeMs } = statSync(dir);
  for (let scrape = 0; scrape < 3; scrape++) await collector.metrics();
  await collector.close();
  assert.equal(statSync(dir).ctimeMs, ctimeMs);
});
