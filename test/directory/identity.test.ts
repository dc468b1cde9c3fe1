import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import {
  currentIdentity,
  parseProcessStat,
  processStartTime,
  processStat,
  sameMachine,
} from '../../src/directory/identity.js';
import type { ProcessIdentity } from '../../src/metrics-file/layout.js';
import { needs } from '../support/needs.js';

const MODULE = join(__dirname, '../../src/directory/identity.js');

test('the start time is found with any program name', () => {
  const rest = 'S 1 2 3 4 0 -1 5 6 7 8 9 10 11 12 20 0 7 0 987654 1000 200';
  for (const name of ['node', 'a b', '(x) S 1 2', ')', 'S 9 9\n)', '', 'tmux: server (1)']) {
    assert.deepEqual(parseProcessStat(`42 (${name}) ${rest}\n`), { state: 'S', startTime: '987654' }, name);
  }
});

test('an invalid stat line has no start time', () => {
  for (const text of ['', '42 S 1', '42 (node)', '42 (node) S 1 2', `42 (node) S ${'x '.repeat(30)}`]) {
    assert.equal(parseProcessStat(text), undefined, text);
  }
});

test('a process with an odd name is found in /proc', () => {
  const script = `process.title = ') R 1 1 (';
    const { processStartTime } = require(${JSON.stringify(MODULE)});
    console.log(processStartTime(process.pid) === processStartTime(process.ppid), processStartTime(process.ppid));`;
  const [same, parent] = execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim().split(' ');
  assert.equal(same, 'false');
  assert.equal(parent, processStartTime(process.pid));
});

test('a missing process has no start time', () => {
  assert.equal(processStartTime(2 ** 31 - 1), '');
  assert.equal(processStat(2 ** 31 - 1), undefined);
});

test('where /proc shows another pid namespace, it is not used', needs('root', 'namespaces'), () => {
  const script = `const { processStartTime } = require(${JSON.stringify(MODULE)});
    console.log(JSON.stringify([process.pid, processStartTime(process.pid)]));`;
  const run = (...flags: string[]): unknown =>
    JSON.parse(
      execFileSync('unshare', ['--pid', '--fork', ...flags, process.execPath, '-e', script], { encoding: 'utf8' }),
    );
  assert.deepEqual(run(), [1, '']);
  const [pid, startTime] = run('--mount-proc') as [number, string];
  assert.equal(pid, 1);
  assert.match(startTime, /^\d+$/);
});

test('an identity names the process and the machine', () => {
  const before = Date.now() / 1000;
  const identity = currentIdentity('flock');
  const now = Date.now() / 1000;
  assert.equal(identity.pid, process.pid);
  assert.equal(identity.threadId, 0);
  assert.equal(identity.hostName, hostname());
  assert.equal(identity.startTime, processStartTime(process.pid));
  assert.match(identity.bootId, /^[0-9a-f-]{36}$/);
  assert.match(identity.pidNamespace, /^pid:\[\d+\]$/);
  assert.match(identity.id, /^[0-9a-f]{16}$/);
  assert.ok(identity.createdAt >= before && identity.createdAt <= now);
  assert.ok(identity.startedAt < identity.createdAt);
  assert.equal(identity.liveness, 'flock');
  assert.notEqual(currentIdentity('flock').id, identity.id);
});

test('the threads of a process share its start time and have different ids', async () => {
  const main = currentIdentity('heartbeat');
  const script = `require('node:worker_threads').parentPort.postMessage(
    require(${JSON.stringify(MODULE)}).currentIdentity('heartbeat'))`;
  const threadBegins = Date.now() / 1000;
  const worker = new Worker(script, { eval: true, env: {} });
  const [thread] = (await once(worker, 'message')) as [ProcessIdentity];
  assert.notEqual(thread.threadId, 0);
  assert.notEqual(thread.id, main.id);
  assert.equal(thread.pid, main.pid);
  assert.equal(thread.startTime, main.startTime);
  // not compared with the main thread's: both are computed from clocks that are read at slightly different times
  assert.ok(thread.startedAt < threadBegins);
});

test('another boot, host or pid namespace is another machine', () => {
  const identity = currentIdentity('heartbeat');
  assert.equal(sameMachine(identity), true);
  assert.equal(sameMachine({ ...identity, bootId: '' }), false);
  assert.equal(sameMachine({ ...identity, hostName: 'elsewhere' }), false);
  assert.equal(sameMachine({ ...identity, pidNamespace: 'pid:[1]' }), false);
});
