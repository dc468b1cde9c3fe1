import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeadProcess } from '../support/dead-process.js';
import { forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';

const FILES = 20;

test('many registries, the handler and the default registry share one open file for each file of the directory', async (t) => {
  const dir = withTempDir(t);
  // of another machine, so that they may be alive, and stay open
  const identity = {
    liveness: 'heartbeat',
    hostName: 'elsewhere',
    bootId: '11111111-2222-3333-4444-555555555555',
  } as const;
  for (let at = 0; at < FILES; at++) new DeadProcess(dir, { identity }).count('jobs_total', {}, 1).die();
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
