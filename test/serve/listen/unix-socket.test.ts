import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { forkProgram } from '../../support/forked-program.js';
import { ask } from '../../support/http-request.js';
import { withTempDir } from '../../support/temp-dir.js';
import { serving } from '../serving.js';

const SERVER = 'serve/programs/unix-server';

test('metrics are served on a unix socket, which is gone after close()', async (t) => {
  const socketPath = join(withTempDir(t), 'metrics.sock');
  const { address, url, close } = await serving(t, { socketPath });
  assert.equal(address, socketPath);
  assert.equal(url, `unix:${socketPath}`);
  assert.equal((await ask('http://localhost/metrics', { socketPath })).text, 'up 1\n');
  await close();
  assert.equal(existsSync(socketPath), false);
});

test('the socket file of a killed server is replaced', async (t) => {
  const socketPath = join(withTempDir(t), 'metrics.sock');
  const worker = forkProgram(t, SERVER, [socketPath]);
  await worker.ask('start');
  await worker.kill();
  assert.equal(existsSync(socketPath), true);
  await serving(t, { socketPath });
  assert.equal((await ask('http://localhost/metrics', { socketPath })).status, 200);
});

test('a living server keeps its socket, and the error says that it lives', async (t) => {
  const socketPath = join(withTempDir(t), 'metrics.sock');
  await serving(t, { socketPath });
  await assert.rejects(serving(t, { socketPath }), { code: 'EADDRINUSE', message: /living server.*metrics\.sock/ });
  assert.equal((await ask('http://localhost/metrics', { socketPath })).status, 200);
});

test('a file that is no socket is left alone', async (t) => {
  const socketPath = join(withTempDir(t), 'precious.txt');
  writeFileSync(socketPath, 'precious');
  await assert.rejects(serving(t, { socketPath }), { code: 'EADDRINUSE', message: /not a socket/ });
  assert.equal(readFileSync(socketPath, 'utf8'), 'precious');
});

test('a socket in a directory that does not exist is an error that says so', async (t) => {
  const socketPath = join(withTempDir(t), 'absent', 'metrics.sock');
  await assert.rejects(serving(t, { socketPath }), { message: /directory does not exist/ });
});

test('an unref()ed server lets its process end, idle connections or not', async (t) => {
  const socketPath = join(withTempDir(t), 'metrics.sock');
  const worker = forkProgram(t, SERVER, [socketPath]);
  await worker.ask('start-unref');
  const { Agent } = await import('node:http');
  const agent = new Agent({ keepAlive: true });
  await ask('http://localhost/metrics', { socketPath, agent });
  worker.process.disconnect();
  assert.equal(await worker.ended, 0);
  agent.destroy();
});
