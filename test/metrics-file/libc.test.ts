/** The fallbacks where koffi is missing, or would abort the process. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { canLoad } from '../../src/metrics-file/can-load.js';
import { nodeRelease } from '../support/node-release.js';
import { withTempDir } from '../support/temp-dir.js';

const ROOT = join(__dirname, '../../..');

test('a child process finds out that a native module aborts the process which loads it', (t) => {
  const dir = withTempDir(t);
  const aborting = join(dir, 'aborting.js');
  writeFileSync(aborting, 'process.abort();');
  assert.equal(canLoad(aborting), false);
  assert.equal(canLoad(join(dir, 'missing.js')), false);
  assert.equal(canLoad(require.resolve('koffi')), true);
});

test(
  'without koffi, Node 26 maps files by its own node:ffi',
  { skip: process.platform !== 'linux' && 'reads /proc' },
  async (t) => {
    const dir = withTempDir(t);
    const program = `
    const Module = require('node:module');
    const resolve = Module._resolveFilename;
    Module._resolveFilename = (name, ...rest) => {
      if (name === 'koffi') throw new Error('there is no koffi');
      return resolve(name, ...rest);
    };
    const { Counter, register } = require('.');
    new Counter({ name: 'jobs_total', help: 'Jobs' }).inc();
    register.metrics().then((text) => {
      const mappings = require('node:fs').readFileSync('/proc/self/maps', 'latin1').match(/\\.prom-mp$/gm);
      console.log(/^jobs_total .*/m.exec(text)[0], mappings?.length);
    });`;
    const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir, PROM_MULTIPROC_NO_MMAP: '' };
    const output = execFileSync(await nodeRelease(26), ['-e', program], { cwd: ROOT, env, encoding: 'utf8' });
    assert.equal(output, 'jobs_total 1 1\n');
  },
);
