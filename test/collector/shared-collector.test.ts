import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadProcess, ELSEWHERE } from '../support/dead-process.js';
import { forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';

const FILES = 20;

test('many registries, the handler and the default registry share one open file for each file of the directory', async (t) => {
  const dir = withTempDir(t);
  for (let at = 0; at < FILES; at++) new DeadProcess(dir, { identity: ELSEWHERE }).count('jobs_total', {}, 1).die();
  const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir };
  const program = forkProgram(t, 'collector/programs/many-registries', ['90'], { env });
  const { jobs, openedByFirst, openedByOthers, tenants } = await program.nextMessage<{
    jobs: number;
    openedByFirst: number;
    openedByOthers: number;
    tenants: number;
  }>();
  assert.equal(jobs, FILES);
  assert.equal(tenants, 90);
  assert.ok(openedByFirst >= FILES, `the first scrape opened ${openedByFirst} files`);
  assert.equal(openedByOthers, 0);
});
