import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { markProcessDead } from '../../src/directory/mark-dead.js';
import { openForReading, readHeader } from '../../src/metrics-file/header.js';
import { FileState } from '../../src/metrics-file/layout.js';
import { writeBareFile } from '../support/bare-file.js';
import { forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';

// These tests are about the locks, also in a run of the suite without native code.
delete process.env.PROM_MULTIPROC_NO_MMAP;

const GONE = 2 ** 31 - 1;

function stateOf(path: string): number {
  const fd = openForReading(path);
  try {
    return readHeader(fd, path).state;
  } finally {
    closeSync(fd);
  }
}

test('a living process is not marked and counts as living; a killed one is found dead', async (t) => {
  for (const method of ['flock', 'heartbeat']) {
    const dir = withTempDir(t);
    const writer = forkProgram(t, 'directory/programs/writer', [dir, 'main', method]);
    const path = join(dir, await writer.nextMessage<string>());
    const before = readFileSync(path);
    assert.deepEqual(markProcessDead(writer.pid, { dir }), { pid: writer.pid, marked: 0, living: 1, unknown: 0 });
    assert.deepEqual(readFileSync(path), before);
    await writer.kill();
    assert.deepEqual(markProcessDead(writer.pid, { dir }), { pid: writer.pid, marked: 1, living: 0, unknown: 0 });
    assert.equal(stateOf(path), method === 'flock' ? FileState.Open : FileState.Dead);
    assert.deepEqual(markProcessDead(writer.pid, { dir }), { pid: writer.pid, marked: 1, living: 0, unknown: 0 });
  }
});

test('every file of the process is checked, and no other', (t) => {
  const dir = withTempDir(t);
  for (const threadId of [0, 1, 2]) writeBareFile(dir, { pid: GONE, startTime: '1', threadId });
  const other = writeBareFile(dir, { pid: GONE - 1, startTime: '1' });
  assert.deepEqual(markProcessDead(GONE, { dir }), { pid: GONE, marked: 3, living: 0, unknown: 0 });
  assert.equal(stateOf(other.path), FileState.Open);
});

test("another machine's process of the same pid is not marked", (t) => {
  const dir = withTempDir(t);
  const { path } = writeBareFile(dir, { pid: GONE, startTime: '1', hostName: 'elsewhere' });
  assert.deepEqual(markProcessDead(GONE, { dir }), { pid: GONE, marked: 0, living: 0, unknown: 1 });
  assert.equal(stateOf(path), FileState.Open);
});

test('files that do not fit their names are not changed', (t) => {
  const base = withTempDir(t, { checkFiles: false });
  const dir = join(base, 'metrics');
  mkdirSync(dir);
  const target = writeBareFile(base, { pid: GONE, startTime: '1' });
  const name = (digit: string): string => join(dir, `${GONE}-0-${digit.repeat(16)}.prom-mp`);
  symlinkSync(target.path, join(dir, target.name));
  writeFileSync(name('a'), readFileSync(target.path));
  writeFileSync(name('b'), 'not metrics');
  writeFileSync(name('c'), '');
  mkdirSync(name('d'));
  execFileSync('mkfifo', [name('e')]);
  assert.deepEqual(markProcessDead(GONE, { dir }), { pid: GONE, marked: 0, living: 0, unknown: 6 });
  assert.equal(stateOf(target.path), FileState.Open);
  assert.equal(stateOf(name('a')), FileState.Open);
});

test('a path that is missing or is not a directory has no processes', (t) => {
  const base = withTempDir(t);
  writeFileSync(join(base, 'file'), '');
  const nobody = { pid: 42, marked: 0, living: 0, unknown: 0 };
  assert.deepEqual(markProcessDead(42, { dir: join(base, 'nowhere') }), nobody);
  assert.deepEqual(markProcessDead(42, { dir: join(base, 'file') }), nobody);
});

test('by default it uses the directory that this process counts in', (t) => {
  const dir = withTempDir(t);
  writeBareFile(dir, { pid: GONE, startTime: '1' });
  const before = process.env.PROMETHEUS_MULTIPROC_DIR;
  process.env.PROMETHEUS_MULTIPROC_DIR = dir;
  t.after(() => {
    if (before === undefined) delete process.env.PROMETHEUS_MULTIPROC_DIR;
    else process.env.PROMETHEUS_MULTIPROC_DIR = before;
  });
  assert.equal(markProcessDead(GONE).marked, 1);
});

test('an argument that is not a process id is an error at once', () => {
  for (const pid of [0, -1, 1.5, NaN, Infinity, '42', undefined, null, {}, 2 ** 60]) {
    assert.throws(() => markProcessDead(pid as number), { code: 'ERR_INVALID_ARGUMENT', message: /process id/ });
  }
});
