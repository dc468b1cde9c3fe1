import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { LivenessProbe, probeLiveness } from '../../src/directory/liveness.js';
import type { Liveness } from '../../src/directory/liveness.js';
import { processStartTime, processStat } from '../../src/directory/identity.js';
import { openForReading, readHeader } from '../../src/metrics-file/header.js';
import { FileState } from '../../src/metrics-file/layout.js';
import type { ProcessIdentity } from '../../src/metrics-file/layout.js';
import { native } from '../../src/metrics-file/mapping.js';
import { writeBareFile } from '../support/bare-file.js';
import type { BareWords } from '../support/bare-file.js';
import { forkProgram } from '../support/forked-program.js';
import type { ForkedProgram } from '../support/forked-program.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

// These tests are about the locks themselves, also in a run of the suite without native code. The tests of the fallbacks
// disable it explicitly.
delete process.env.PROM_MULTIPROC_NO_MMAP;

const NOBODY_IN_PARTICULAR = { uid: 1000, gid: 1000 };
const WITHOUT_NATIVE = { env: { ...process.env, PROM_MULTIPROC_NO_MMAP: '1' } };

function probe(path: string, now?: number): Liveness {
  const fd = openForReading(path);
  try {
    return probeLiveness(fd, readHeader(fd, path), now);
  } finally {
    closeSync(fd);
  }
}

async function startWriter(
  t: TestContext,
  place: 'main' | 'thread',
  method: 'flock' | 'heartbeat',
): Promise<{ writer: ForkedProgram; path: string }> {
  const dir = withTempDir(t);
  const writer = forkProgram(t, 'directory/programs/writer', [dir, place, method]);
  return { writer, path: join(dir, await writer.nextMessage<string>()) };
}

test('a process that holds its lock is alive until it is killed', async (t) => {
  const { writer, path } = await startWriter(t, 'main', 'flock');
  assert.equal(probe(path), 'live');
  assert.equal(probe(path), 'live', 'and a probe leaves no lock of its own behind');
  await writer.kill('SIGKILL');
  assert.equal(probe(path), 'dead');
});

test('a process that ends normally is dead', async (t) => {
  const { writer, path } = await startWriter(t, 'main', 'flock');
  writer.process.send('exit');
  assert.equal(await writer.ended, 0);
  assert.equal(probe(path), 'dead');
});

test('a terminated thread is dead while its process lives on', async (t) => {
  const { writer, path } = await startWriter(t, 'thread', 'flock');
  assert.equal(probe(path), 'live');
  assert.equal(await writer.ask('terminate'), 'terminated');
  assert.equal(probe(path), 'dead');
});

test('a reader that tests the lock is not taken for the writer by another reader', (t) => {
  const { path } = writeBareFile(withTempDir(t), { liveness: 'flock' });
  const fd = openForReading(path);
  t.after(() => closeSync(fd));
  assert.equal(native()?.lockShared(fd), true);
  assert.equal(probe(path), 'dead');
});

test('a dead process stays dead for a reader, whatever happens to the lock', (t) => {
  const { path, identity } = writeBareFile(withTempDir(t), { liveness: 'flock' });
  const fd = openForReading(path);
  const other = openForReading(path);
  t.after(() => [fd, other].forEach((each) => closeSync(each)));
  const vitals = readHeader(fd, path);
  const liveness = new LivenessProbe();
  assert.equal(liveness.probe(fd, vitals), 'dead');
  assert.equal(native()?.lockExclusive(other), true);
  assert.equal(probeLiveness(fd, vitals), 'live');
  assert.equal(liveness.probe(fd, vitals), 'dead');
  liveness.retain([identity.id]);
  assert.equal(liveness.probe(fd, vitals), 'dead');
  liveness.retain([]);
  assert.equal(liveness.probe(fd, vitals), 'live');
});

test('a reader without flock judges a locked file by its process', async (t) => {
  const { writer, path } = await startWriter(t, 'main', 'flock');
  const prober = (): ForkedProgram => forkProgram(t, 'directory/programs/prober', [path], WITHOUT_NATIVE);
  assert.equal(await prober().nextMessage(), 'live');
  await writer.kill();
  assert.equal(await prober().nextMessage(), 'dead');
});

test('a process without a lock is alive while it runs, also when it is stopped or silent', async (t) => {
  const { writer, path } = await startWriter(t, 'main', 'heartbeat');
  assert.equal(probe(path), 'live');
  writer.process.kill('SIGSTOP');
  assert.equal(probe(path), 'live');
  await writer.kill('SIGKILL');
  assert.equal(probe(path), 'dead');
});

test(
  'across pid namespaces, where every pid is 1, the lock decides and not the pid',
  needs('root', 'namespaces'),
  async (t) => {
    for (const method of ['flock', 'heartbeat'] as const) {
      const dir = withTempDir(t);
      const container = forkProgram(t, 'directory/programs/writer', [dir, 'main', method], {
        execPath: 'unshare',
        execArgv: ['--pid', '--fork', '--mount-proc', '--kill-child', process.execPath],
      });
      const name = await container.nextMessage<string>();
      assert.match(name, /^1-0-/);
      // with its heartbeat, which is 1000 s old, a process without a lock would be dead
      const at = method === 'flock' ? undefined : Date.now() / 1000 - 1000;
      assert.equal(probe(join(dir, name), at), method === 'flock' ? 'live' : 'unknown');
      await container.kill();
      if (method === 'flock') await until(() => probe(join(dir, name)) !== 'live');
      assert.equal(probe(join(dir, name)), 'dead');
    }
  },
);

test("another user's process is alive as well", needs('other users'), async (t) => {
  const { path } = await startWriter(t, 'main', 'heartbeat');
  chmodSync(join(path, '..'), 0o755);
  chmodSync(path, 0o644);
  const prober = forkProgram(t, 'directory/programs/prober', [path], NOBODY_IN_PARTICULAR);
  assert.equal(await prober.nextMessage(), 'live');
});

test('a process that has ended and was not waited for is dead', async (t) => {
  // The shell is replaced by a program that does not wait for the shell's child. The child ends after that, on request: a
  // real shell would wait for it.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => parent.kill('SIGKILL'));
  const pid = Number(await new Promise<Buffer>((resolve) => parent.stdout.once('data', resolve)));
  await until(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8').startsWith('sleep'));
  process.kill(pid);
  await until(() => processStat(pid)?.state === 'Z');
  const { path } = writeBareFile(withTempDir(t), { pid, startTime: processStartTime(pid) });
  assert.equal(probe(path), 'dead');
});

test('a pid that another process has now does not make the former process alive', (t) => {
  const { path } = writeBareFile(withTempDir(t), { startTime: '1' });
  assert.equal(probe(path), 'dead');
});

test('a pid without a start time counts while the heartbeat is fresh, and then it is unknown', (t) => {
  const dir = withTempDir(t);
  const now = Date.now() / 1000;
  assert.equal(probe(writeBareFile(dir, { startTime: '' }, { heartbeat: now - 5 }).path, now), 'live');
  assert.equal(probe(writeBareFile(dir, { startTime: '' }, { heartbeat: now - 500 }).path, now), 'unknown');
});

test('a thread without a lock is alive until it ends, also while it is blocked', async (t) => {
  const { writer, path } = await startWriter(t, 'thread', 'heartbeat');
  await writer.ask('block');
  assert.equal(probe(path), 'live');
  assert.equal(await writer.ask('terminate'), 'terminated');
  assert.equal(probe(path), 'dead');
});

test('a thread that has just ended is dead, though its heartbeat is fresh', (t) => {
  const dir = withTempDir(t);
  for (const osThread of ['1:1', `${process.pid}:1`]) {
    assert.equal(probe(writeBareFile(dir, { threadId: 3, osThread }).path), 'dead', osThread);
  }
});

test('for a thread of which the system tells nothing, the heartbeat decides', needs('other users'), async (t) => {
  const dir = withTempDir(t);
  chmodSync(dir, 0o755);
  const cases: [secondsAgo: number, FileState, Liveness][] = [
    [0, FileState.Open, 'live'],
    [500, FileState.Open, 'unknown'],
    [500, FileState.Closed, 'dead'],
    [500, FileState.Dead, 'dead'],
  ];
  for (const [secondsAgo, state, expected] of cases) {
    const { path } = writeBareFile(dir, { threadId: 3 }, { state, heartbeat: Date.now() / 1000 - secondsAgo });
    chmodSync(path, 0o644);
    const prober = forkProgram(t, 'directory/programs/prober', [path], NOBODY_IN_PARTICULAR);
    assert.equal(await prober.nextMessage(), expected);
  }
});

test("the state of another machine's process is unknown, unless its file is closed", (t) => {
  const dir = withTempDir(t);
  const now = 1_700_000_000;
  const otherBoot = '11111111-2222-3333-4444-555555555555';
  const elsewhere = { hostName: 'elsewhere', bootId: otherBoot };
  const cases: [string, Partial<ProcessIdentity>, BareWords, Liveness][] = [
    ['fresh', elsewhere, { heartbeat: now }, 'unknown'],
    ['silent', elsewhere, { heartbeat: now - 1e6 }, 'unknown'],
    ['closed', elsewhere, { heartbeat: now - 100, state: FileState.Closed }, 'dead'],
    ['marked dead', elsewhere, { heartbeat: now - 100, state: FileState.Dead }, 'dead'],
    ['just closed', elsewhere, { heartbeat: now - 1, state: FileState.Closed }, 'unknown'],
    ['before the reboot', { bootId: otherBoot }, { heartbeat: now - 100 }, 'dead'],
    ['another boot and fresh', { bootId: otherBoot }, { heartbeat: now - 1 }, 'unknown'],
    ['without a boot id, beating', { bootId: '' }, { heartbeat: now - 1 }, 'unknown'],
  ];
  for (const [name, identity, words, expected] of cases) {
    assert.equal(probe(writeBareFile(dir, identity, words).path, now), expected, name);
  }
});

test('a process without a lock and with a stale heartbeat is dead in another container of this host, and on a host of this name', (t) => {
  const dir = withTempDir(t);
  const now = 1_700_000_000;
  const cases: [string, Partial<ProcessIdentity>, number, Liveness][] = [
    ['that beats', { pidNamespace: 'pid:[1]' }, 30, 'unknown'],
    ['in another container', { pidNamespace: 'pid:[1]' }, 100, 'dead'],
    ['in one with a host name of its own', { pidNamespace: 'pid:[1]', hostName: 'pod' }, 100, 'dead'],
    ['on a machine of this name', { bootId: '' }, 100, 'dead'],
    ['a thread that waits', { pidNamespace: 'pid:[1]', threadId: 3 }, 100, 'unknown'],
    ['a thread that has waited for long', { pidNamespace: 'pid:[1]', threadId: 3 }, 3700, 'dead'],
    ['by a clock that was ahead', { pidNamespace: 'pid:[1]' }, -1000, 'dead'],
  ];
  for (const [name, identity, silence, expected] of cases) {
    assert.equal(probe(writeBareFile(dir, identity, { heartbeat: now - silence }).path, now), expected, name);
  }
});

test('a process that was only silent is alive again at its next heartbeat', (t) => {
  const now = 1_700_000_000;
  const { path } = writeBareFile(withTempDir(t), { pidNamespace: 'pid:[1]' }, { heartbeat: now });
  const fd = openForReading(path);
  t.after(() => closeSync(fd));
  const vitals = readHeader(fd, path);
  const liveness = new LivenessProbe();
  assert.equal(liveness.probe(fd, { ...vitals, heartbeat: now - 100 }, now), 'dead');
  assert.equal(liveness.probe(fd, vitals, now), 'unknown');
});

test('a free lock does not mean a dead process on another machine with a fresh heartbeat', (t) => {
  const dir = withTempDir(t);
  const now = 1_700_000_000;
  const stranger = {
    liveness: 'flock',
    bootId: '11111111-2222-3333-4444-555555555555',
    hostName: 'elsewhere',
  } as const;
  assert.equal(probe(writeBareFile(dir, stranger, { heartbeat: now - 5 }).path, now), 'unknown');
  assert.equal(probe(writeBareFile(dir, stranger, { heartbeat: now - 500 }).path, now), 'dead');
  const closed = { heartbeat: now - 5, state: FileState.Closed };
  assert.equal(probe(writeBareFile(dir, stranger, closed).path, now), 'dead');
  assert.equal(
    probe(writeBareFile(dir, { ...stranger, hostName: readHostName() }, { heartbeat: now }).path, now),
    'dead',
  );
});

function readHostName(): string {
  return readFileSync('/proc/sys/kernel/hostname', 'latin1').trim();
}
