import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { ImportEffects } from './support/workers/import-effects.js';

const ROOT = join(__dirname, '..', '..');

let effects: ImportEffects;

before(() => {
  const { stdout, stderr } = spawnSync(process.execPath, [join(__dirname, 'support', 'workers', 'import-effects.js')], {
    cwd: ROOT,
    encoding: 'utf8',
    env: {
      ...process.env,
      // a worker's environment, where there would be something to do at once
      PROMETHEUS_MULTIPROC_DIR: join(ROOT, 'dist', 'no-such-directory'),
      // from Node 24 on node itself reads this file, in a thread and at any moment after TLS was loaded
      NODE_EXTRA_CA_CERTS: undefined,
    },
  });
  assert.equal(stderr, '');
  effects = JSON.parse(stdout);
});

test('importing the package starts no timer and nothing else that keeps a process alive', () => {
  assert.deepEqual(effects.after.resources, effects.before.resources);
});

test('importing the package adds no listener to process and replaces none of its methods', () => {
  assert.deepEqual(effects.after.listeners, effects.before.listeners);
  assert.deepEqual(effects.replacedMethods, []);
});

test('importing the package opens no file and makes no directory', () => {
  assert.deepEqual(effects.after.descriptors, effects.before.descriptors);
  assert.equal(existsSync(join(ROOT, 'dist', 'no-such-directory')), false);
});

test('importing the package loads no native module, and none of the packages that cost something', () => {
  assert.deepEqual(effects.nativeModules, []);
  const costly = effects.packages.filter((name) => ['koffi', 'proper-lockfile', 'piscina', 'pm2'].includes(name));
  assert.deepEqual(costly, []);
});

test('importing the package neither reads nor keeps a clock, so that fake timers installed later hold', () => {
  assert.deepEqual(effects.clockUses, []);
});
