import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forkWorker } from './fork.js';

const ECHO = 'support/workers/echo';

test('a request is answered, with values that JSON does not know', async (t) => {
  const worker = await forkWorker(t, ECHO);
  assert.deepEqual(await Promise.all([1, NaN, -Infinity].map((say) => worker.request({ say }))), [1, NaN, -Infinity]);
});

test('what the worker throws comes back as an error', async (t) => {
  const worker = await forkWorker(t, ECHO);
  await assert.rejects(worker.request({ fail: 'no such series' }), { message: 'no such series' });
});

test('a worker that ends instead of answering is an error, and so is a later request', async (t) => {
  const worker = await forkWorker(t, ECHO);
  await assert.rejects(worker.request({ exit: 3 }), /ended with 3/);
  await assert.rejects(worker.request({ say: 1 }), /dead already/);
  assert.deepEqual(await worker.kill(), { code: 3, signal: null });
});

test('a kill waits for the end', async (t) => {
  const worker = await forkWorker(t, ECHO);
  assert.deepEqual(await worker.kill('SIGKILL'), { code: null, signal: 'SIGKILL' });
  assert.throws(() => process.kill(worker.pid, 0), { code: 'ESRCH' });
});

test('a script that cannot start is an error', async (t) => {
  await assert.rejects(forkWorker(t, 'support/workers/no-such-script'), /ended with 1[^]*Cannot find module/);
});
