import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';

test('the first scrape of a process loads its modules on several turns of the event loop', async (t) => {
  const program = forkProgram(t, 'collector/programs/first-scrape', [], {
    env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: withTempDir(t) },
  });
  const { text, loaded } = await program.nextMessage<{ text: string; loaded: number[] }>();
  assert.match(text, /^jobs_total 1$/m);
  const all = loaded.reduce((sum, modules) => sum + modules, 0);
  assert.ok(all > 90, `${all} modules`);
  assert.ok(Math.max(...loaded) < all / 2, `modules by turn: ${loaded.filter((modules) => modules > 0).join()}`);
});
