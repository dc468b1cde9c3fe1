import assert from 'node:assert/strict';
import { chmodSync } from 'node:fs';
import { test } from 'node:test';
import { processStartSeconds, processStat } from '../../src/directory/identity.js';
import { needs } from '../support/needs.js';
import { forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';

const DAY_SECONDS = 24 * 3600;
/** Larger than any pid of Linux. */
const NO_PID = 4_194_305;

test('the start of a process is known to a fraction of a second', () => {
  const own = processStartSeconds(processStat(process.pid)!.startTime);
  assert.ok(Math.abs(own - (Date.now() / 1000 - process.uptime())) < 0.1, String(own));
  const parent = processStartSeconds(processStat(process.ppid)!.startTime);
  assert.ok(parent < own + 0.1, `${parent} after ${own}`);
});

test(
  "another user's process is alive, unless it is younger than the last change of its file, as soon as pids are proven",
  needs('other users'),
  async (t) => {
    const dir = withTempDir(t, { checkFiles: false });
    chmodSync(dir, 0o777);
    const mine = process.pid;
    const prober = forkProgram(
      t,
      'python-file/programs/prober',
      [dir, `${mine}:0`, `${mine}:${DAY_SECONDS}`, `${NO_PID}:0`, 'worker-3:0'],
      { uid: 1000, gid: 1000 },
    );
    const { before, after } = await prober.nextMessage<{ before: string[]; after: string[] }>();
    assert.deepEqual(before, ['unknown', 'unknown', 'unknown', 'unknown']);
    assert.deepEqual(after, ['live', 'dead', 'dead', 'unknown']);
  },
);

test('a process that has a file of its name not open is dead, since it has the pid of another', async (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  const prober = forkProgram(t, 'python-file/programs/prober', [dir, `${process.pid}:0`, `${NO_PID}:0`]);
  const { before, after } = await prober.nextMessage<{ before: string[]; after: string[] }>();
  assert.deepEqual(before, ['unknown', 'unknown']);
  assert.deepEqual(after, ['dead', 'dead']);
});
