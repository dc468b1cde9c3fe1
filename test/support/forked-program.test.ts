import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forkProgram } from './forked-program.js';

const ECHO = 'support/programs/echo';

test('a question gets an answer', async (t) => {
  const echo = forkProgram(t, ECHO);
  assert.equal(await echo.ask({ send: 'one' }), 'one');
  assert.equal(await echo.ask({ send: 'other' }), 'other');
});

test('a process that ends without an answer is an error with its last output, and so is a later question', async (t) => {
  const echo = forkProgram(t, ECHO);
  await assert.rejects(echo.ask({ exit: 3 }), /ended with 3 instead of an answer\nlast words/);
  await assert.rejects(echo.ask({ send: 'more' }), /ended with 3|channel closed/i);
  assert.equal(await echo.kill(), 3);
});

test('kill() waits for the end of the process', async (t) => {
  const echo = forkProgram(t, ECHO);
  assert.equal(await echo.kill(), 'SIGKILL');
  assert.throws(() => process.kill(echo.pid, 0), { code: 'ESRCH' });
});

test('a module that cannot start is an error', async (t) => {
  await assert.rejects(forkProgram(t, 'support/programs/no-such').nextMessage(), /ended with 1[^]*Cannot find module/);
});
