import assert from 'node:assert/strict';
import {
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { scanDirectory } from '../../src/directory/scan.js';
import { native } from '../../src/metrics-file/mapping.js';
import { openDirectory } from '../../src/directory/open-directory.js';
import {
  ABANDONED_SECONDS,
  emptyDirectory,
  removeLeftovers,
  sweepDerivedDirectories,
} from '../../src/directory/sweep.js';
import { writeBareFile } from '../support/bare-file.js';
import { forkProgram } from '../support/forked-program.js';
import type { ForkedProgram } from '../support/forked-program.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

// These tests are about the locks, also in a run of the suite without native code. The tests of the fallbacks disable it
// explicitly.
delete process.env.PROM_MULTIPROC_NO_MMAP;

const NOW = Date.now() / 1000;
const LATER = NOW + 2 * ABANDONED_SECONDS;
const GONE = { pid: 2 ** 31 - 1, startTime: '1' };
const OUR_FILES = [
  'dir.lock',
  'fold.lock',
  'scraped',
  'archive-000000000012.prom-mp-archive',
  '.archive-000000000013.0123456789abcdef.tmp',
  '.42-0-0123456789abcdef.prom-mp.tmp',
];

/** A directory in the state that a dead application leaves. */
function deadDirectory(base: string, digits = '0123456789abcdef'): string {
  const dir = join(base, `prom-multiproc-0-${digits}`);
  mkdirSync(dir, { mode: 0o700 });
  for (const name of OUR_FILES) writeFileSync(join(dir, name), '');
  mkdirSync(join(dir, 'fold.lock.lock'));
  writeBareFile(dir, { ...GONE, liveness: 'flock' });
  return dir;
}

async function startApplication(
  t: TestContext,
  dir: string,
  method: 'flock' | 'heartbeat' = 'flock',
): Promise<ForkedProgram> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const env = { ...process.env, PROM_MULTIPROC_NO_MMAP: method === 'flock' ? '0' : '1' };
  const application = forkProgram(t, 'directory/programs/writer', [dir, 'main', method], { env });
  await application.nextMessage();
  return application;
}

test('the directory of a dead application is removed after a day', needs('root'), (t) => {
  const base = withTempDir(t);
  const dir = deadDirectory(base);
  assert.deepEqual(sweepDerivedDirectories(base, NOW + ABANDONED_SECONDS - 60), []);
  assert.equal(readdirSync(dir).length, OUR_FILES.length + 2);
  assert.deepEqual(sweepDerivedDirectories(base, LATER), [dir]);
  assert.deepEqual(readdirSync(base), []);
});

test(
  'the directory of a dead process is removed after an hour if less than 1 MiB is in it, and otherwise after a day',
  needs('root'),
  (t) => {
    const base = withTempDir(t);
    const small = deadDirectory(base, 'process-0123456789abcdef');
    const large = deadDirectory(base, 'process-fedcba9876543210');
    writeFileSync(join(large, OUR_FILES[3]), Buffer.alloc(2 ** 20));
    const ofPm2 = deadDirectory(base);
    assert.deepEqual(sweepDerivedDirectories(base, NOW + 3600 - 60), []);
    assert.deepEqual(sweepDerivedDirectories(base, NOW + 2 * 3600), [small]);
    assert.deepEqual(sweepDerivedDirectories(base, LATER).toSorted(), [ofPm2, large].toSorted());
  },
);

test('a heartbeat counts as a change', needs('root'), (t) => {
  const base = withTempDir(t);
  const dir = join(base, 'prom-multiproc-0-0123456789abcdef');
  mkdirSync(dir);
  const { path } = writeBareFile(dir, GONE, { heartbeat: NOW });
  const longAgo = NOW - 10 * ABANDONED_SECONDS;
  utimesSync(path, longAgo, longAgo);
  utimesSync(dir, longAgo, longAgo);
  assert.deepEqual(sweepDerivedDirectories(base, NOW + ABANDONED_SECONDS / 2), []);
  assert.deepEqual(sweepDerivedDirectories(base, LATER), [dir]);
});

test('a directory in use stays, however two applications start and end', needs('root'), async (t) => {
  const base = withTempDir(t);
  const [a, b] = ['a', 'b'].map((digit) => join(base, `prom-multiproc-0-${digit.repeat(16)}`));
  const first = await startApplication(t, a);
  const second = await startApplication(t, b);
  assert.deepEqual(sweepDerivedDirectories(base, LATER), []);
  await first.kill();
  assert.deepEqual(sweepDerivedDirectories(base, LATER), [a]);
  const again = await startApplication(t, a);
  await second.kill();
  assert.deepEqual(sweepDerivedDirectories(base, LATER), [b]);
  await again.kill();
  assert.deepEqual(sweepDerivedDirectories(base, LATER), [a]);
  assert.deepEqual(readdirSync(base), []);
});

test(
  'a small directory of a process stays while the process lives, and goes an hour after it was killed',
  needs('root'),
  async (t) => {
    const base = withTempDir(t);
    const dir = join(base, 'prom-multiproc-0-process-0123456789abcdef');
    const application = await startApplication(t, dir);
    const hoursLater = NOW + 2 * 3600;
    assert.deepEqual(sweepDerivedDirectories(base, hoursLater), []);
    await application.kill();
    assert.deepEqual(sweepDerivedDirectories(base, hoursLater), [dir]);
  },
);

test('a directory whose processes hold no locks is in use while one of them lives', needs('root'), async (t) => {
  const base = withTempDir(t);
  const dir = join(base, 'prom-multiproc-0-0123456789abcdef');
  const application = await startApplication(t, dir, 'heartbeat');
  assert.deepEqual(sweepDerivedDirectories(base, LATER), []);
  await application.kill();
  assert.deepEqual(sweepDerivedDirectories(base, LATER), [dir]);
});

test('creating a derived directory sweeps those beside it', needs('root'), async (t) => {
  const base = withTempDir(t);
  const dead = deadDirectory(base);
  const longAgo = NOW - 2 * ABANDONED_SECONDS;
  for (const name of readdirSync(dead)) {
    const path = join(dead, name);
    if (name.endsWith('.prom-mp')) writeBareFile(dead, { ...GONE, id: name.slice(-24, -8) }, { heartbeat: longAgo });
    utimesSync(path, longAgo, longAgo);
  }
  utimesSync(dead, longAgo, longAgo);
  const young = deadDirectory(base, 'f'.repeat(16));
  const dir = join(base, 'prom-multiproc-0-1111111111111111');
  const opened = openDirectory({ dir, source: 'PM2', derived: true });
  t.after(() => opened.close());
  await until(() => !existsSync(dead));
  assert.deepEqual(readdirSync(base).toSorted(), [basename(dir), basename(young)]);
});

test("only derived directories are touched, and in them only this package's files", needs('root'), (t) => {
  const base = withTempDir(t);
  const target = deadDirectory(base, 'a'.repeat(16));
  const outside = join(base, 'outside');
  mkdirSync(outside);
  for (const name of OUR_FILES) writeFileSync(join(outside, name), 'precious');
  symlinkSync(outside, join(base, `prom-multiproc-0-${'b'.repeat(16)}`));
  const foreign = deadDirectory(base, 'c'.repeat(16));
  chownSync(foreign, 1000, 1000);
  mkdirSync(join(base, `prom-multiproc-1000-${'d'.repeat(16)}`));
  mkdirSync(join(base, 'prom-multiproc-0-short'));
  const withAFile = deadDirectory(base, 'e'.repeat(16));
  writeFileSync(join(withAFile, 'notes.txt'), 'precious');
  const before = readdirSync(base).toSorted();
  assert.deepEqual(sweepDerivedDirectories(base, LATER), [target]);
  assert.deepEqual(
    readdirSync(base).toSorted(),
    before.filter((name) => name !== basename(target)),
  );
  assert.deepEqual(readdirSync(outside).toSorted(), OUR_FILES.toSorted());
  assert.equal(readdirSync(foreign).length, OUR_FILES.length + 2);
  assert.deepEqual(readdirSync(withAFile), ['notes.txt']);
});

test('a file behind a symlink or with a second name keeps its contents', needs('root'), (t) => {
  const base = withTempDir(t);
  const dir = deadDirectory(base);
  const precious = join(base, 'precious');
  writeFileSync(precious, 'x'.repeat(10_000));
  symlinkSync(precious, join(dir, '42-0-00000000000000aa.prom-mp'));
  linkSync(precious, join(dir, '42-0-00000000000000bb.prom-mp'));
  assert.deepEqual(sweepDerivedDirectories(base, LATER), [dir]);
  assert.equal(readFileSync(precious, 'latin1'), 'x'.repeat(10_000));
});

test('a missing base directory has nothing to sweep', (t) => {
  assert.deepEqual(sweepDerivedDirectories(join(withTempDir(t), 'nowhere')), []);
});

test('the pages of a removed file are freed, even while it is still open', (t) => {
  const base = withTempDir(t);
  const dir = deadDirectory(base);
  const { path } = writeBareFile(dir, GONE);
  writeFileSync(path, Buffer.alloc(1 << 20, 1), { flag: 'a' });
  const fd = openSync(path, 'r');
  t.after(() => closeSync(fd));
  emptyDirectory(dir);
  assert.equal(existsSync(path), false);
  const stats = statSync(`/proc/self/fd/${fd}`);
  assert.ok(stats.size > 1 << 20);
  assert.equal(stats.blocks, 0);
});

test("emptying deletes this package's files, and keeps the locks and other programs' files", (t) => {
  const dir = deadDirectory(withTempDir(t));
  writeFileSync(join(dir, 'notes.txt'), '');
  mkdirSync(join(dir, '42-0-0123456789abcdef.prom-mp'));
  assert.equal(emptyDirectory(dir), OUR_FILES.length - 2 + 1);
  assert.deepEqual(readdirSync(dir).toSorted(), [
    '42-0-0123456789abcdef.prom-mp',
    'dir.lock',
    'fold.lock',
    'notes.txt',
  ]);
  assert.equal(emptyDirectory(dir), 0);
});

test('emptying a directory that does not exist does not create it', (t) => {
  const dir = join(withTempDir(t), 'metrics');
  assert.equal(emptyDirectory(dir), 0);
  assert.equal(existsSync(dir), false);
});

test('a directory in use is not emptied, whether its processes hold locks or not', needs('root'), async (t) => {
  for (const method of ['flock', 'heartbeat'] as const) {
    const dir = withTempDir(t);
    const application = await startApplication(t, dir, method);
    const before = readdirSync(dir);
    assert.throws(() => emptyDirectory(dir), { code: 'ERR_DIRECTORY_IN_USE', message: /is in use/ }, method);
    assert.deepEqual(
      readdirSync(dir).filter((name) => name.endsWith('.prom-mp')),
      before.filter((name) => name.endsWith('.prom-mp')),
    );
    await application.kill();
    assert.equal(emptyDirectory(dir), 1, method);
  }
});

test('a directory that another machine may be using is not emptied before it has been silent for a day', (t) => {
  const dir = withTempDir(t);
  const { name } = writeBareFile(dir, { hostName: 'elsewhere' }, { heartbeat: NOW });
  assert.throws(() => emptyDirectory(dir, NOW), { code: 'ERR_DIRECTORY_IN_USE', message: new RegExp(name) });
  assert.equal(emptyDirectory(dir, LATER), 1);
});

test('without native code a directory is emptied only if all of its processes are known to be dead', async (t) => {
  const dir = withTempDir(t);
  const env = { ...process.env, PROM_MULTIPROC_NO_MMAP: '1' };
  const outcome = (): Promise<unknown> => forkProgram(t, 'directory/programs/cleaner', [dir], { env }).nextMessage();
  const application = await startApplication(t, dir);
  assert.equal(await outcome(), 'ERR_DIRECTORY_IN_USE');
  await application.kill();
  assert.equal(await outcome(), 1);
  writeBareFile(dir, { hostName: 'elsewhere' });
  assert.equal(await outcome(), 'ERR_DIRECTORY_IN_USE');
});

test('files that were never published are removed after an hour, except one that is still being created', (t) => {
  const dir = deadDirectory(withTempDir(t));
  const beingMade = '.42-0-00000000000000aa.prom-mp.tmp';
  const fd = openSync(join(dir, beingMade), 'wx');
  t.after(() => closeSync(fd));
  assert.equal(native()?.lockExclusive(fd), true);
  symlinkSync(join(dir, 'scraped'), join(dir, '.42-0-00000000000000bb.prom-mp.tmp'));
  const { temporaries } = scanDirectory(dir);
  assert.equal(temporaries.length, 4);
  assert.equal(removeLeftovers(dir, temporaries, NOW + 1800), 0);
  assert.equal(removeLeftovers(dir, [...temporaries, '.gone.tmp'], NOW + 7200), 2);
  assert.deepEqual(scanDirectory(dir).temporaries.toSorted(), [beingMade, '.42-0-00000000000000bb.prom-mp.tmp']);
  assert.equal(existsSync(join(dir, 'scraped')), true);
});
