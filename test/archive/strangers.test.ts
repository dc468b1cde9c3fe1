/** A directory that every user may write to: files of untrusted users change nothing. Needs root, which CI has. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, closeSync, existsSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ArchiveContents } from '../../src/archive/archive-contents.js';
import { encodeArchive } from '../../src/archive/archive-file.js';
import { readClocks } from '../../src/archive/clock-reading.js';
import { foldDirectory } from '../../src/archive/fold.js';
import { archiveName, MAX_GENERATION } from '../../src/directory/file-name.js';
import { emptyDirectory } from '../../src/directory/sweep.js';
import { native } from '../../src/metrics-file/mapping.js';
import { afterTest } from '../support/after-test.js';
import { DeadProcess } from '../support/dead-process.js';
import { forkProgram } from '../support/forked-program.js';
import { needs } from '../support/needs.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';

const NOBODY = 65_534;
/** Without locks, a process lives if its pid is in use. */
const LIVING = { identity: { pid: process.pid } };

function openToAll(t: TestContext): string {
  const warn = t.mock.method(console, 'warn', () => {});
  afterTest(t, () => warn.mock.restore());
  const dir = withTempDir(t);
  chmodSync(dir, 0o1777);
  return dir;
}

/** An empty archive that names files as those of dead processes: valid, except that this is false. */
function plantArchive(dir: string, generation: number, absorbed: readonly string[], uid: number): string {
  const limits = {
    maxSeries: 1,
    deadRetentionSeconds: 1,
    deadRetentionProcesses: 1,
    familyRetentionSeconds: 1,
  };
  const record = {
    generation,
    foldedAt: readClocks(),
    absorbed: new Set(absorbed),
    remembered: [],
    files: 1,
    droppedSeries: 0,
    droppedFamilies: 0,
    expiredSeries: 0,
  };
  const path = join(dir, archiveName(generation));
  const fd = openSync(path, 'wx', 0o644);
  encodeArchive(new ArchiveContents(limits, readClocks()), record).writeTo(fd);
  closeSync(fd);
  chownSync(path, uid, uid);
  return path;
}

/** The value of jobs_total, and the number of skipped files by reason. */
function read(dir: string, reading = new Reading(dir)): { jobs?: number; skipped: object } {
  const { jobs_total: jobs } = reading.values();
  const skipped = Object.entries(reading.stats.skipped).filter(([, files]) => files > 0);
  reading.close();
  return { jobs, skipped: Object.fromEntries(skipped) };
}

test(
  'an untrusted archive with a huge generation hides nothing, and no file is removed because of it',
  needs('root'),
  (t) => {
    const dir = openToAll(t);
    new DeadProcess(dir).count('jobs_total', {}, 100).die();
    assert.equal(foldDirectory(dir).generation, 1);
    const living = new DeadProcess(dir, LIVING).count('jobs_total', {}, 20).show();
    const dead = new DeadProcess(dir).count('jobs_total', {}, 3).die();
    const planted = plantArchive(dir, MAX_GENERATION - 1, [living.identity.id, dead.identity.id], NOBODY);
    assert.deepEqual(read(dir), { jobs: 123, skipped: { owner: 1 } });
    const { generation, folded, damagedArchives } = foldDirectory(dir);
    assert.deepEqual([generation, folded, damagedArchives], [2, 1, [archiveName(MAX_GENERATION - 1)]]);
    living.count('jobs_total', {}, 1000).flush();
    assert.deepEqual(read(dir), { jobs: 1123, skipped: { owner: 1 } });
    assert.ok(existsSync(planted));
    // and folds continue
    new DeadProcess(dir).count('jobs_total', {}, 1).die();
    assert.equal(foldDirectory(dir).generation, 3);
    assert.equal(read(dir).jobs, 1124);
    living.die();
  },
);

// a writer without a lock may have been taken for dead, and then an archive rightly names it
if (native() !== undefined) {
  test(
    'an archive that names the file of a living process makes a false claim, whatever its owner',
    needs('root'),
    (t) => {
      const dir = openToAll(t);
      new DeadProcess(dir).count('jobs_total', {}, 100).die();
      foldDirectory(dir);
      const living = new DeadProcess(dir, LIVING).count('jobs_total', {}, 20).show();
      const dead = new DeadProcess(dir).count('jobs_total', {}, 3).die();
      plantArchive(dir, 7, [living.identity.id, dead.identity.id], 0);
      assert.deepEqual(read(dir), { jobs: 123, skipped: { corrupt: 1 } });
      const { generation, folded, damagedArchives, notices } = foldDirectory(dir);
      assert.deepEqual([generation, folded, damagedArchives], [2, 1, [archiveName(7)]]);
      assert.match(notices.join(), /ignored.*that process lives/);
      living.count('jobs_total', {}, 1000).flush();
      assert.deepEqual(read(dir), { jobs: 1123, skipped: { corrupt: 1 } });
      living.die();
    },
  );

  test('a reader that has counted an archive drops it once its claim turns out to be false', needs('root'), (t) => {
    const dir = openToAll(t);
    const reading = new Reading(dir);
    const hidden = new DeadProcess(dir, LIVING).count('jobs_total', {}, 20);
    plantArchive(dir, 7, [hidden.identity.id], 0);
    assert.deepEqual(reading.values(), {});
    hidden.show();
    assert.deepEqual(read(dir, reading), { jobs: 20, skipped: { corrupt: 1 } });
    hidden.die();
  });
}

test('a file with a living writer is not removed, whatever the caller assumes', needs('root'), (t) => {
  const dir = withTempDir(t);
  const living = new DeadProcess(dir, LIVING).count('jobs_total', {}, 20).show();
  const bytes = readFileSync(living.path);
  // as if a fold on another machine had read all of it
  plantArchive(dir, 1, [living.identity.id], 0);
  foldDirectory(dir);
  assert.deepEqual(readFileSync(living.path), bytes);
  assert.throws(() => emptyDirectory(dir), { code: 'ERR_DIRECTORY_IN_USE' });
  living.die();
});

test('files of untrusted users are not counted or folded; in a directory of the group they are', needs('root'), (t) => {
  const dir = openToAll(t);
  const stranger = new DeadProcess(dir).count('jobs_total', {}, 1000).die();
  chownSync(stranger.path, NOBODY, NOBODY);
  new DeadProcess(dir).count('jobs_total', {}, 7).die();
  assert.deepEqual(read(dir), { jobs: 7, skipped: { owner: 1 } });
  const { folded, skipped } = foldDirectory(dir);
  assert.deepEqual([folded, skipped.owner], [1, 1]);
  assert.ok(existsSync(stranger.path));
  chmodSync(dir, 0o770);
  assert.deepEqual(read(dir), { jobs: 1007, skipped: {} });
});

test('PROM_MULTIPROC_TRUSTED_USERS adds trusted users', needs('root'), (t) => {
  const dir = openToAll(t);
  const other = new DeadProcess(dir).count('jobs_total', {}, 1000).die();
  chownSync(other.path, 4711, 4711);
  afterTest(t, () => void delete process.env.PROM_MULTIPROC_TRUSTED_USERS);
  for (const [named, jobs] of Object.entries({
    '4711': 1000,
    '1,4711': 1000,
    all: 1000,
    '4712': undefined,
    x: undefined,
  })) {
    process.env.PROM_MULTIPROC_TRUSTED_USERS = named;
    assert.equal(read(dir).jobs, jobs, named);
  }
});

test("root's archive may not be written by users that could write a file in it", (t) => {
  const dir = withTempDir(t);
  new DeadProcess(dir, { mode: 0o666 }).count('jobs_total', {}, 1).die();
  foldDirectory(dir);
  assert.equal(statSync(join(dir, archiveName(1))).mode & 0o777, 0o644);
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  foldDirectory(dir, { fileMode: 0o660 });
  assert.equal(statSync(join(dir, archiveName(2))).mode & 0o777, 0o664);
});

test('the archive of a fold by an untrusted user counts for that user only', needs('other users'), async (t) => {
  const dir = openToAll(t);
  new DeadProcess(dir, { mode: 0o644 }).count('jobs_total', {}, 3).die();
  const stranger = forkProgram(t, 'archive/programs/fold-sidecar', [dir], { uid: NOBODY, gid: NOBODY });
  assert.deepEqual(await stranger.nextMessage(), { value: 3, folded: 1 });
  // the sticky bit has protected the file
  assert.deepEqual(read(dir), { jobs: 3, skipped: { owner: 1 } });
  writeFileSync(join(dir, 'unrelated'), '');
  assert.equal(foldDirectory(dir).folded, 1);
  assert.equal(read(dir).jobs, 3);
});
