/** The cost of a mapped file for its process, and what is left of it afterwards. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { native } from '../../src/metrics-file/mapping.js';
import { collectGarbage } from '../support/garbage.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter } from '../support/declarations.js';
import { addTo, attach, createFile } from '../support/written-file.js';

const skip = native() === undefined ? 'without native calls nothing is mapped' : !existsSync('/proc/self/maps');
const GIB_IN_KIB = 2 ** 20;
const ROOT = join(__dirname, '../../..');

const mappings = (): string[] => readFileSync('/proc/self/maps', 'latin1').split('\n');

test('a file that grows block by block is one mapping, and the engine counts none of its memory', { skip }, (t) => {
  const dir = withTempDir(t);
  const before = process.memoryUsage();
  const { store, path } = createFile(dir, { kind: 'mapped' });
  const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
  for (let at = 0; at < 20_000; at++) addTo(attach(store, jobs, [String(at)]), 1);
  const { arrayBuffers, external } = process.memoryUsage();
  assert.equal(mappings().filter((line) => line.endsWith(path)).length, 1);
  // 64 MiB are reserved
  const most = 8 * 2 ** 20;
  assert.ok(arrayBuffers - before.arrayBuffers < most, `arrayBuffers grew by ${arrayBuffers - before.arrayBuffers}`);
  assert.ok(external - before.external < most, `external grew by ${external - before.external}`);
});

test('mappings are freed together with the files that were mapped', { skip }, async (t) => {
  const dir = withTempDir(t);
  const make = (): void => createFile(dir, { kind: 'mapped' }).writer.close();
  make();
  const ofFiles = (): number => mappings().filter((line) => line.includes(`${dir}/`)).length;
  for (let at = 0; at < 50; at++) make();
  await until(() => {
    collectGarbage();
    return ofFiles() <= 1;
  });
});

test('where the address space is too small for a mapping, the file is written', { skip }, (t) => {
  const dir = withTempDir(t);
  const program = `
    const { Counter, register } = require('.');
    new Counter({ name: 'jobs_total', help: 'Jobs' }).inc();
    register.metrics().then((text) => console.log(/^jobs_total .*/m.exec(text)[0]));`;
  const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir };
  const runIn = (kib: number, code: string): string =>
    execFileSync('/bin/sh', ['-c', `ulimit -v ${kib}; exec "$0" -e "$1"`, process.execPath, code], {
      cwd: ROOT,
      env,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  const startsIn = (kib: number): boolean => {
    try {
      return runIn(kib, 'console.log(1)') === '1\n';
    } catch {
      return false;
    }
  };
  // Node 20 and 22 start in 800,000 KiB, 24 and 26 only in 1,200,000, without this package too (measured)
  const output = runIn(startsIn(GIB_IN_KIB) ? GIB_IN_KIB : 1_500_000, program);
  assert.equal(output, 'jobs_total 1\n');
  assert.equal(readdirSync(dir).filter((name) => name.endsWith('.prom-mp')).length, 1);
});
