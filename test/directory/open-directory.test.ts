import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Native, native } from '../../src/metrics-file/mapping.js';
import { checkDirectory } from '../../src/directory/check-directory.js';
import { joinDirectory, openDirectory } from '../../src/directory/open-directory.js';
import type { ChosenDirectory } from '../../src/directory/choose.js';
import { forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

// These tests are about the lock itself, also in a run of the suite without native code. One test disables it explicitly.
delete process.env.PROM_MULTIPROC_NO_MMAP;

const REFUSED = { code: 'ERR_DIRECTORY_REFUSED' };

function derivedIn(base: string): ChosenDirectory {
  return { dir: join(base, 'prom-multiproc-0-0123456789abcdef'), source: 'cluster', derived: true };
}

function named(dir: string): ChosenDirectory {
  return { dir, source: 'variable', derived: false };
}

function permissions(path: string): string {
  return (lstatSync(path).mode & 0o7777).toString(8);
}

function withUmask<Result>(mask: number, run: () => Result): Result {
  const before = process.umask(mask);
  try {
    return run();
  } finally {
    process.umask(before);
  }
}

/** Whether another process could empty or remove the directory now. */
function isUnused(dir: string): boolean {
  const fd = openSync(join(dir, 'dir.lock'), 'r');
  try {
    return native()?.lockExclusive(fd) === true;
  } finally {
    closeSync(fd);
  }
}

test('a directory that is named is created with its parents', (t) => {
  const dir = join(withTempDir(t), 'a', 'b', 'c');
  openDirectory(named(dir)).close();
  assert.ok(lstatSync(dir).isDirectory());
});

test('where no directory can be created, as in /proc, the error comes at once', () => {
  assert.throws(() => openDirectory(named('/proc/no-such/place')), { code: 'ENOENT' });
});

test('a derived directory is private, whatever the umask', (t) => {
  for (const mask of [0o000, 0o777]) {
    const located = derivedIn(withTempDir(t));
    const opened = withUmask(mask, () => openDirectory(located));
    t.after(() => opened.close());
    assert.equal(permissions(located.dir), '700');
    assert.equal(permissions(join(located.dir, 'dir.lock')), '600');
    assert.deepEqual(opened.warnings, []);
  }
});

test('a directory that is open several times is locked until it is closed as often', (t) => {
  const located = derivedIn(withTempDir(t));
  const one = openDirectory(located);
  const other = openDirectory(located);
  assert.equal(one.isLocked && other.isLocked, true);
  assert.equal(isUnused(located.dir), false);
  one.close();
  one.close();
  assert.equal(isUnused(located.dir), false);
  other.close();
  assert.equal(isUnused(located.dir), true);
});

test('a derived directory of another user is refused, and no file is created in it', needs('other users'), (t) => {
  const base = withTempDir(t);
  const elsewhere = join(base, 'elsewhere');
  mkdirSync(elsewhere, { mode: 0o700 });
  const make: Record<string, (dir: string) => void> = {
    'a symlink to a directory': (dir) => symlinkSync(elsewhere, dir),
    'a dangling symlink': (dir) => symlinkSync(join(base, 'nowhere'), dir),
    'a file': (dir) => writeFileSync(dir, ''),
    "another user's directory": (dir) => {
      mkdirSync(dir, { mode: 0o700 });
      chownSync(dir, 1000, 1000);
    },
    'a directory that all may write': (dir) => {
      mkdirSync(dir);
      chmodSync(dir, 0o1777);
    },
  };
  for (const [index, [what, arrange]] of Object.entries(make).entries()) {
    const dir = join(base, `prom-multiproc-0-000000000000000${index}`);
    arrange(dir);
    const located: ChosenDirectory = { dir, source: 'cluster', derived: true };
    assert.throws(() => openDirectory(located), { ...REFUSED, message: /PROMETHEUS_MULTIPROC_DIR/ }, what);
    assert.throws(() => joinDirectory(located), REFUSED, what);
    if (lstatSync(dir).isDirectory()) assert.deepEqual(readdirSync(dir), [], what);
  }
  assert.deepEqual(readdirSync(elsewhere), []);
  assert.equal(existsSync(join(base, 'nowhere')), false);
});

test('a path that the user names is refused where it is not a directory, and a link is followed', (t) => {
  const base = withTempDir(t);
  writeFileSync(join(base, 'file'), '');
  assert.throws(() => openDirectory(named(join(base, 'file'))), { ...REFUSED, message: /not a directory/ });
  mkdirSync(join(base, 'target'));
  symlinkSync('target', join(base, 'link'));
  const opened = openDirectory(named(join(base, 'link')));
  assert.equal(opened.dir, join(base, 'target'));
  opened.close();
  assert.equal(joinDirectory(named(join(base, 'link')))?.dir, join(base, 'target'));
});

test(
  'a directory that the user names keeps its owner and permissions, and unusual properties are warnings',
  needs('other users'),
  (t) => {
    const dir = withTempDir(t);
    const warningsAt = (mode: number, uid: number): readonly string[] => {
      chownSync(dir, uid, uid);
      chmodSync(dir, mode);
      const opened = openDirectory(named(dir));
      opened.close();
      assert.equal(permissions(dir), mode.toString(8));
      assert.equal(lstatSync(dir).uid, uid);
      assert.deepEqual(checkDirectory(named(dir)).warnings, opened.warnings);
      return opened.warnings;
    };
    assert.deepEqual(warningsAt(0o700, 0), []);
    assert.deepEqual(warningsAt(0o1777, 0), []);
    assert.match(warningsAt(0o777, 0).join(), /every user .* no sticky bit/);
    assert.match(warningsAt(0o700, 1000).join(), /another user \(uid 1000\)/);
    assert.equal(warningsAt(0o777, 1000).length, 2);
  },
);

test("a missing directory is created with the user's options, and with its parents", (t) => {
  const dir = join(withTempDir(t), 'deeply', 'nested');
  const wanted = { dirMode: 0o2750, fileMode: 0o640, group: 1000 };
  const opened = withUmask(0o077, () => openDirectory(named(dir), wanted));
  t.after(() => opened.close());
  assert.equal(permissions(dir), '2750');
  assert.equal(lstatSync(dir).gid, 1000);
  assert.equal(permissions(join(dir, 'dir.lock')), '640');
  assert.equal(lstatSync(join(dir, 'dir.lock')).gid, 1000);
  assert.equal(opened.fileMode, 0o640);
  assert.equal(opened.group, 1000);
});

test('a reader creates no directory, and holds an existing one', (t) => {
  const located = named(join(withTempDir(t), 'later'));
  assert.equal(joinDirectory(located), undefined);
  assert.equal(existsSync(located.dir), false);
  openDirectory(located).close();
  const joined = joinDirectory(located);
  assert.equal(isUnused(located.dir), false);
  joined?.close();
  assert.equal(isUnused(located.dir), true);
});

test('the lock file is never created through a symlink', (t) => {
  const base = withTempDir(t);
  const dir = join(base, 'metrics');
  mkdirSync(dir);
  symlinkSync(join(base, 'victim'), join(dir, 'dir.lock'));
  const opened = openDirectory(named(dir));
  assert.equal(opened.isLocked, false);
  assert.equal(existsSync(join(base, 'victim')), false);
});

for (const moment of ['just before a process locks it', 'while a process waits for the lock']) {
  test(`a directory that is swept ${moment} is created again`, (t) => {
    const located = derivedIn(withTempDir(t));
    openDirectory(located).close();
    const locks = native() as Native;
    const sweeper = openSync(join(located.dir, 'dir.lock'), 'r');
    assert.equal(locks.lockExclusive(sweeper), true);
    const sweep = (): void => {
      rmSync(located.dir, { recursive: true });
      closeSync(sweeper);
    };
    const { lockShared } = locks;
    const results: boolean[] = [];
    t.mock.method(locks, 'lockShared', (fd: number) => {
      const isFirst = results.length === 0;
      if (isFirst && moment.startsWith('just before')) sweep();
      const isLocked = lockShared(fd);
      if (isFirst && moment.startsWith('while')) sweep();
      results.push(isLocked);
      return isLocked;
    });
    const opened = openDirectory(located);
    t.after(() => opened.close());
    // in one case its first lock is on a removed file, in the other it is refused; the last one is the directory's own
    assert.deepEqual(results, [moment.startsWith('just before'), true, true]);
    assert.equal(opened.isLocked, true);
    assert.deepEqual(readdirSync(located.dir), ['dir.lock']);
    assert.equal(permissions(located.dir), '700');
    assert.equal(isUnused(located.dir), false);
  });
}

test("a process of another user counts in root's open volume, and gets a warning", needs('other users'), async (t) => {
  const dir = withTempDir(t);
  chmodSync(dir, 0o777);
  const opener = forkProgram(t, 'directory/programs/opener', [dir], { uid: 1000, gid: 1000 });
  const { isLocked, warnings } = await opener.nextMessage<{ isLocked: boolean; warnings: string[] }>();
  assert.equal(isLocked, true);
  assert.equal(warnings.length, 2);
  assert.equal(lstatSync(join(dir, 'dir.lock')).uid, 1000);
  assert.equal(isUnused(dir), false);
  await opener.kill();
  assert.equal(isUnused(dir), true);
});

test('a process that may not open the lock continues without it', needs('other users'), async (t) => {
  const dir = withTempDir(t);
  const opened = openDirectory(named(dir), { fileMode: 0o600 });
  t.after(() => opened.close());
  chmodSync(dir, 0o755);
  const opener = forkProgram(t, 'directory/programs/opener', [dir], { uid: 1000, gid: 1000 });
  assert.deepEqual(await opener.nextMessage(), {
    isLocked: false,
    warnings: [`${JSON.stringify(dir)} belongs to another user (uid 0)`],
  });
});

test('without native code there is no lock, and everything else works', async (t) => {
  const dir = join(withTempDir(t), 'metrics');
  const env = { ...process.env, PROM_MULTIPROC_NO_MMAP: '1' };
  const opener = forkProgram(t, 'directory/programs/opener', [dir], { env });
  assert.deepEqual(await opener.nextMessage(), { isLocked: false, warnings: [] });
  assert.deepEqual(readdirSync(dir), []);
});
