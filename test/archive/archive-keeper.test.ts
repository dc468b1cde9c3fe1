/** Cleaners that delete the archive of a running application. */
import assert from 'node:assert/strict';
import fs, { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, unlinkSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ArchiveKeeper } from '../../src/archive/archive-keeper.js';
import { foldDirectory } from '../../src/archive/fold.js';
import { archiveName } from '../../src/directory/file-name.js';
import { native } from '../../src/metrics-file/mapping.js';
import { afterTest } from '../support/after-test.js';
import { DeadProcess } from '../support/dead-process.js';
import { forkProgram } from '../support/forked-program.js';
import { until } from '../support/program.js';
import { valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import type { Order } from '../storage/programs/counting.js';

/** A directory with an archive that contains this many jobs. */
function foldedDirectory(dir: string, jobs: number): string {
  new DeadProcess(dir, { mode: 0o640 }).count('jobs_total', {}, jobs).die();
  assert.equal(foldDirectory(dir).folded, 1);
  return join(dir, archiveName(1));
}

test('an archive that is deleted while a process holds it is restored with the same content', async (t) => {
  const warn = t.mock.method(console, 'warn', () => {});
  const dir = withTempDir(t);
  const path = foldedDirectory(dir, 1000);
  const [bytes, { mode }] = [readFileSync(path), statSync(path)];
  const keeper = new ArchiveKeeper();
  afterTest(t, () => keeper.close());
  await keeper.keep(dir);
  unlinkSync(path);
  await keeper.keep(dir);
  assert.deepEqual(readFileSync(path), bytes);
  assert.equal(statSync(path).mode, mode);
  assert.match(String(warn.mock.calls.at(-1)?.arguments[0]), /was deleted while in use; it is restored/);
  // and again, and the next generation too
  unlinkSync(path);
  await keeper.keep(dir);
  assert.deepEqual(valuesIn(dir), { jobs_total: 1000 });
  await keeper.keep(dir);
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  foldDirectory(dir);
  await keeper.keep(dir);
  assert.ok(!existsSync(path));
  unlinkSync(join(dir, archiveName(2)));
  await keeper.keep(dir);
  assert.deepEqual(valuesIn(dir), { jobs_total: 1001 });
});

test('an archive that a fold has replaced is not restored', async (t) => {
  const dir = withTempDir(t);
  const path = foldedDirectory(dir, 1000);
  const keeper = new ArchiveKeeper();
  afterTest(t, () => keeper.close());
  for (let generation = 2; generation < 5; generation++) {
    await keeper.keep(dir);
    new DeadProcess(dir).count('jobs_total', {}, 1).die();
    assert.equal(foldDirectory(dir).generation, generation);
  }
  await keeper.keep(dir);
  assert.ok(!existsSync(path));
  assert.deepEqual(valuesIn(dir), { jobs_total: 1003 });
});

test('the directory is listed in steps: there may be 100,000 names of other programs', async (t) => {
  const dir = withTempDir(t);
  const keeper = new ArchiveKeeper();
  const listed = t.mock.method(fs, 'readdirSync');
  await keeper.keep(dir);
  assert.equal(listed.mock.callCount(), 0);
});

test('the archive is touched, so that cleaners do not delete it', async (t) => {
  const dir = withTempDir(t);
  const path = foldedDirectory(dir, 1);
  utimesSync(path, 1000, 1000);
  const keeper = new ArchiveKeeper();
  afterTest(t, () => keeper.close());
  await keeper.keep(dir);
  const { atimeMs, mtimeMs } = statSync(path);
  for (const time of [atimeMs, mtimeMs]) assert.ok(Date.now() - time < 60_000);
});

const DELETIONS: Readonly<Record<string, (dir: string) => void>> = {
  'its archive and its lock': (dir) => {
    unlinkSync(join(dir, archiveName(1)));
    rmSync(join(dir, 'dir.lock'), { force: true });
  },
  everything: (dir) => rmSync(dir, { recursive: true }),
};

for (const [what, remove] of Object.entries(DELETIONS)) {
  test(`a process restores ${what} where they were deleted in its directory`, async (t) => {
    const dir = withTempDir(t);
    foldedDirectory(dir, 1000);
    const application = forkProgram(t, 'storage/programs/counting', [], {
      env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir },
    });
    const tell = (order: Order): Promise<unknown> => application.ask(order);
    await tell({ order: 'count', from: 0, series: 1 });
    await tell({ order: 'maintain' });
    remove(dir);
    // first the file, and then, because the directory exists again, the archive
    await tell({ order: 'maintain' });
    await until(() => existsSync(join(dir, archiveName(1))));
    assert.deepEqual(valuesIn(dir), { jobs_total: 1000, 'jobs_total{kind="0"}': 1 });
    assert.equal(existsSync(join(dir, 'dir.lock')), native() !== undefined);
  });
}

if (native() !== undefined) {
  test('systemd-tmpfiles cannot lock a directory in use, and skips it', async (t) => {
    const dir = withTempDir(t);
    const fd = openSync(dir, 'r');
    afterTest(t, () => closeSync(fd));
    const isFree = (): boolean => native()!.lockExclusive(fd);
    const application = forkProgram(t, 'storage/programs/counting', [], {
      env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir },
    });
    await application.ask({ order: 'count', from: 0, series: 1 });
    assert.equal(isFree(), false);
    await application.kill();
    assert.equal(isFree(), true);
    // a cleaner is working while the process starts: the process takes the lock at its next heartbeat
    const late = forkProgram(t, 'storage/programs/counting', [], {
      env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir },
    });
    await late.ask({ order: 'count', from: 0, series: 1 });
    native()!.unlock(fd);
    await late.ask({ order: 'maintain' });
    assert.equal(isFree(), false);
  });
}
