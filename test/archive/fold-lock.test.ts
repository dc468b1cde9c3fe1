import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { takenFoldLock, takeFoldLock } from '../../src/archive/fold-lock.js';
import { native } from '../../src/metrics-file/mapping.js';
import { DeadProcess } from '../support/dead-process.js';
import { forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';

const LOCK_DIRECTORY = 'fold.lock.lock';

/** Kills a fold while it holds the lock. */
async function killFolder(t: TestContext, dir: string, env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const folder = forkProgram(t, 'archive/programs/killed-folder', [dir], { env });
  assert.equal(await folder.nextMessage(), 'taken');
  assert.notEqual(takenFoldLock(dir), undefined);
  await folder.kill();
  assert.ok(readdirSync(dir).includes(LOCK_DIRECTORY));
}

test('a killed fold does not prevent the next one', async (t) => {
  if (native() === undefined) return;
  const dir = withTempDir(t);
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  await killFolder(t, dir);
  const { abandoned, folded } = foldDirectory(dir, { properLockfile: true });
  assert.deepEqual([abandoned, folded], [undefined, 1]);
  assert.ok(!readdirSync(dir).includes(LOCK_DIRECTORY));
  assert.equal(takenFoldLock(dir), undefined);
});

test("a fold without the kernel's lock excludes others for as long as it may live", async (t) => {
  const dir = withTempDir(t);
  await killFolder(t, dir, { ...process.env, PROM_MULTIPROC_NO_MMAP: '1' });
  assert.equal(foldDirectory(dir, { properLockfile: true }).abandoned, 'locked');
  const path = join(dir, LOCK_DIRECTORY);
  assert.equal(takenFoldLock(dir), path);
  utimesSync(path, Date.now() / 1000 - 11, Date.now() / 1000 - 11);
  assert.equal(takenFoldLock(dir), undefined);
  assert.equal(foldDirectory(dir, { properLockfile: true }).abandoned, undefined);
});

test('a lock that a wrong clock has dated into the future excludes no fold', (t) => {
  const dir = withTempDir(t);
  mkdirSync(join(dir, LOCK_DIRECTORY));
  const inADay = Date.now() / 1000 + 86_400;
  utimesSync(join(dir, LOCK_DIRECTORY), inADay, inADay);
  const giveBack = takeFoldLock(dir, { properLockfile: true });
  assert.notEqual(giveBack, 'locked');
  if (giveBack !== 'locked') giveBack();
});
