/** Test runners run an application's tests; the application counts with the packed package. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { installedApp, type InstalledApp } from '../support/installed-app.js';
import { needs } from '../support/needs.js';
import { nodeRelease } from '../support/node-release.js';
import { startProgram, until } from '../support/program.js';

const FILES = 50;
const MAX_GROWTH_MIB = 40;

/** It collects default metrics too: they have an observer, a timer and a late measurement. */
const APPLICATION = `
const { createHook } = require('node:async_hooks');
const { appendFileSync } = require('node:fs');
const { setImmediate } = require('node:timers/promises');
// the timers that the package has made and that still run; those that keep no process alive are not among its active resources
const timers = new Set();
const made = createHook({ init: (id, type) => type === 'Timeout' && timers.add(id) });
const ended = createHook({ destroy: (id) => timers.delete(id) });
const watched = (work) => {
  made.enable();
  ended.enable();
  try {
    return work();
  } finally {
    made.disable();
  }
};
const { client, jobs, seconds } = watched(() => {
  const client = require('prom-multiproc');
  const jobs = new client.Counter({ name: 'jobs_total', help: 'Jobs.', labelNames: ['kind'] });
  const seconds = new client.Summary({ name: 'job_seconds', help: 'Seconds.', maxAgeSeconds: 60, ageBuckets: 5 });
  client.collectDefaultMetrics({ eventLoopUtilization: true });
  return { client, jobs, seconds };
});
exports.work = () => watched(() => {
  jobs.inc({ kind: 'a' });
  seconds.observe(1);
});
exports.jobs = async () => {
  const text = await watched(() => client.register.metrics());
  appendFileSync(__dirname + '/rss', process.memoryUsage.rss() + '\\n');
  return /^jobs_total.*$/m.exec(text)?.[0];
};
exports.timers = async () => {
  // the end of a timer is known a turn later
  for (let turn = 0; turn < 3; turn++) await setImmediate();
  // a hook that is enabled keeps the modules of a test file in memory
  ended.disable();
  return timers.size;
};
`;
/** Where a process ends with its test files the event loop utilization is sampled, which needs a timer. */
const WITHOUT_SAMPLING = APPLICATION.replace('{ eventLoopUtilization: true }', '');
const EXPECTED = '\'jobs_total{kind="a"} 1\'';

function testFiles(folder: string, extension: string, text: string): Record<string, string> {
  return Object.fromEntries(Array.from({ length: FILES }, (_, at) => [`${folder}/file${at}.${extension}`, text]));
}

/**
 * Prints what is in the places for directories of processes when the tool has ended. The places are the tool's own: /dev/shm
 * by a mount namespace, since other programs on the machine use the shared one.
 */
const WATCHED = `
mount -t tmpfs none /dev/shm
mkdir -p "$TMPDIR"
"$@"
code=$?
ls -d /dev/shm/prom-multiproc-* "$TMPDIR"/prom-multiproc-* 2>/dev/null
exit $code`;

/** Runs a tool to its end: it succeeds, complains about no late work, and no directory is left. @returns the output */
async function passes(t: TestContext, app: InstalledApp, command: string, args: readonly string[]): Promise<string> {
  const watched = ['--mount', 'sh', '-c', WATCHED, 'sh', command, ...args];
  const { end, output } = await app.run('unshare', watched, { TMPDIR: app.path('temporary') });
  assert.equal(end, 0, output);
  assert.doesNotMatch(output, /soft deleted|torn down|Unhandled|after the Jest environment/i);
  assert.doesNotMatch(output, /prom-multiproc-\d+-/, 'no directory is left');
  assertFlat(t, app, `${command} ${args.join(' ')}`);
  return output;
}

/** The memory of the process, or of each file's process, at the end of each file. The first files warm it up. */
function assertFlat(t: TestContext, app: InstalledApp, name: string): void {
  const sizes = readFileSync(app.path('rss'), 'latin1').trim().split('\n').map(Number);
  rmSync(app.path('rss'));
  if (sizes.length < FILES) return;
  const fifth = Math.floor(sizes.length / 5);
  const growth = (Math.min(...sizes.slice(-fifth)) - Math.min(...sizes.slice(fifth, 2 * fifth))) / 2 ** 20;
  t.diagnostic(`${name}: grew by ${growth.toFixed(1)} MiB over the last three fifths of ${sizes.length} reads`);
  assert.ok(growth < MAX_GROWTH_MIB, `grew by ${growth} MiB: ${sizes.join()}`);
}

const JEST_FILE = `
const { work, jobs, timers } = require('../app.js');
test('counts of other files are not seen, and no timer runs', async () => {
  work();
  expect(await jobs()).toBe(${EXPECTED});
  expect(await timers()).toBe(0);
});
test('a module registry that was reset counts from zero', async () => {
  jest.resetModules();
  const again = require('../app.js');
  again.work();
  expect(await again.jobs()).toBe(${EXPECTED});
  expect(await again.timers()).toBe(0);
});
test('fake timers change nothing', async () => {
  jest.useFakeTimers();
  jest.resetModules();
  const again = require('../app.js');
  again.work();
  jest.advanceTimersByTime(100_000);
  expect(await again.jobs()).toBe(${EXPECTED});
  jest.useRealTimers();
  expect(await again.timers()).toBe(0);
});
`;

async function jestApp(t: TestContext): Promise<InstalledApp> {
  return installedApp(t, ['jest@30.5.2'], { 'app.js': APPLICATION, ...testFiles('tests', 'test.js', JEST_FILE) });
}

/** Heap sizes in MB, as Jest logs them after each file. */
function heapSizes(output: string): number[] {
  return [...output.matchAll(/\((\d+) MB heap size\)/g)].map(([, size]) => Number(size));
}

test(
  'Jest: in one process, in workers and in threads, without leaks and with cleaned globals',
  needs('namespaces', 'root'),
  async (t) => {
    const app = await jestApp(t);
    const jest = app.path('node_modules/jest/bin/jest.js');
    const inBand = await passes(t, app, process.execPath, ['--expose-gc', jest, '-i', '--logHeapUsage']);
    const sizes = heapSizes(inBand);
    assert.equal(sizes.length, FILES);
    // 50 files with a leak took 505 MB; the garbage collector decides about the rest
    const growth = Math.min(...sizes.slice(-10)) - Math.min(...sizes.slice(0, 10));
    t.diagnostic(`Jest: the heap grew by ${growth} MB over ${FILES} files`);
    assert.ok(growth < 40, `grew by ${growth} MB: ${sizes.join()}`);
    // ten files are enough for these
    const few = ['--testPathPatterns', 'file\\d.test'];
    await passes(t, app, process.execPath, [jest, ...few, '-i', '--detectLeaks']);
    await passes(t, app, process.execPath, [jest, ...few, '-w', '2']);
    await passes(t, app, process.execPath, [jest, ...few, '-w', '2', '--workerThreads']);
    app.write({ 'jest.config.js': "module.exports = { testEnvironmentOptions: { globalsCleanup: 'on' } };\n" });
    await passes(t, app, process.execPath, [jest, ...few, '-i']);
  },
);

const VITEST_FILE = `
import { expect, test } from 'vitest';
import app from '../app.js';
test('counts of other files are not seen, and no timer runs', async () => {
  app.work();
  expect(await app.jobs()).toBe(${EXPECTED});
  expect(await app.timers()).toBe(0);
});
`;

test('Vitest: in forks and in threads', needs('namespaces', 'root'), async (t) => {
  const files = { 'app.js': APPLICATION, ...testFiles('tests', 'test.mjs', VITEST_FILE) };
  const app = await installedApp(t, ['vitest@5.1.1'], files);
  // it declares Node 22.12
  const node = await nodeRelease(24);
  for (const pool of ['forks', 'threads']) {
    const output = await passes(t, app, node, ['node_modules/vitest/vitest.mjs', 'run', `--pool=${pool}`]);
    assert.match(output, new RegExp(`${FILES} passed`));
  }
});

const AVA_FILE = `
const test = require('ava').default ?? require('ava');
const app = require('../app.js');
test('counts of other files are not seen, and no timer runs', async (t) => {
  app.work();
  t.is(await app.jobs(), ${EXPECTED});
  t.is(await app.timers(), 0);
});
`;

test('AVA: in worker threads and in child processes', needs('namespaces', 'root'), async (t) => {
  const app = await installedApp(t, ['ava@7'], { 'app.js': APPLICATION, ...testFiles('test', 'cjs', AVA_FILE) });
  for (const threads of ['--worker-threads', '--no-worker-threads']) {
    const output = await passes(t, app, process.execPath, ['node_modules/ava/entrypoints/cli.mjs', threads]);
    assert.match(output, new RegExp(`${FILES} tests passed`));
  }
});

/** mocha has one process and one module cache: a test empties what it counted, as with prom-client. */
const MOCHA_FILE = `
const assert = require('node:assert');
const client = require('prom-multiproc');
const app = require('../app.js');
afterEach(() => client.register.resetMetrics());
it('counts from zero after resetMetrics(), and no timer runs', async () => {
  app.work();
  assert.strictEqual(await app.jobs(), ${EXPECTED});
  assert.strictEqual(await app.timers(), 0);
});
`;

test('mocha: serially, in parallel, and again after a change under --watch', needs('namespaces', 'root'), async (t) => {
  const app = await installedApp(t, ['mocha@12.0.3'], {
    'app.js': WITHOUT_SAMPLING,
    // --watch loads the application again, but no package
    'hooks.js': "exports.mochaHooks = { afterAll: () => require('prom-multiproc').register.clear() };",
    ...testFiles('test', 'js', MOCHA_FILE),
  });
  const mocha = app.path('node_modules/mocha/bin/mocha.js');
  for (const option of ['--no-parallel', '--parallel']) {
    const output = await passes(t, app, process.execPath, [mocha, '--exit', option]);
    assert.match(output, new RegExp(`${FILES} passing`));
  }
  const watch = startProgram(
    t,
    process.execPath,
    [mocha, '--watch', '--require', './hooks.js'],
    { NODE_TEST_CONTEXT: undefined },
    app.dir,
  );
  await watch.printed(/waiting for changes/);
  for (let round = 2; round <= 3; round++) {
    app.write({ 'test/file0.js': `${MOCHA_FILE}// round ${round}\n` });
    await until(() => watch.output().split(`${FILES} passing`).length > round, 60_000);
  }
  assert.doesNotMatch(watch.output(), /failing|already been registered/);
  watch.child.kill('SIGINT');
  await watch.ended();
});

const NODE_FILE = `
const { test } = require('node:test');
const assert = require('node:assert');
const app = require('../app.js');
test('counts of other files are not seen, and no timer runs', async () => {
  app.work();
  assert.strictEqual(await app.jobs(), ${EXPECTED});
  assert.strictEqual(await app.timers(), 0);
});
`;

test('node --test: each file is a process', needs('namespaces', 'root'), async (t) => {
  const app = await installedApp(t, [], { 'app.js': WITHOUT_SAMPLING, ...testFiles('test', 'test.js', NODE_FILE) });
  const output = await passes(t, app, process.execPath, ['--test']);
  assert.match(output, new RegExp(`pass ${FILES}`));
});
