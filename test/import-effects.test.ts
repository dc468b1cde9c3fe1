import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import { before, test } from 'node:test';
import { Gauge, registerPath, Registry } from 'prom-multiproc';
import type { ImportEffects } from './support/programs/import-effects.js';

const ROOT = join(__dirname, '..', '..');

let effects: ImportEffects;

before(() => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [join(__dirname, 'support', 'programs', 'import-effects.js')],
    {
      cwd: ROOT,
      encoding: 'utf8',
      env: {
        ...process.env,
        // a worker's environment, where there would be something to do at once
        PROMETHEUS_MULTIPROC_DIR: join(ROOT, 'dist', 'no-such-directory'),
        // from Node 24 on node itself reads this file, in a thread and at any moment after TLS was loaded
        NODE_EXTRA_CA_CERTS: undefined,
      },
    },
  );
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

test('importing the package opens no file, makes no directory and changes no variable', () => {
  // a thread that starts next needs address space at once, and this limit decides whether it can be reserved
  assert.deepEqual(
    effects.calls.filter((call) => call !== 'openSync /proc/self/limits'),
    [],
  );
  assert.deepEqual(effects.after.env, effects.before.env);
  assert.deepEqual(effects.after.descriptors, effects.before.descriptors);
  assert.equal(existsSync(join(ROOT, 'dist', 'no-such-directory')), false);
});

test('importing the package loads no native module, and none of the packages that cost something', () => {
  assert.deepEqual(effects.nativeModules, []);
  // two files of pure functions; nothing of koffi, msgpackr, piscina, proper-lockfile or the rest of prom-client
  assert.deepEqual(effects.packageFiles, ['prom-client/lib/metricAggregators.js', 'prom-client/lib/util.js']);
});

test('importing the package loads nothing of prom-multiproc/push', () => {
  const script = `require('prom-multiproc'); console.log(JSON.stringify(Object.keys(require.cache)))`;
  const loaded: string[] = JSON.parse(
    execFileSync(process.execPath, ['--eval', script], { cwd: ROOT, encoding: 'utf8' }),
  );
  const room = join(ROOT, 'dist', 'src', 'push');
  const names = loaded.filter((file) => file.startsWith(room)).map((file) => relative(room, file));
  const ofRoot = ['pushgateway.js', 'text-of-registry.js', 'textfile.js'];
  assert.deepEqual(
    names.filter((name) => !ofRoot.includes(name)),
    [],
  );
});

test('importing the package neither reads nor keeps a clock, so that fake timers installed later hold', () => {
  assert.deepEqual(effects.clockUses, []);
});

test('importing the package loads nothing of the rooms that merge, serve and push until they are used', () => {
  const script = "require('prom-multiproc'); console.log(JSON.stringify(Object.keys(require.cache)))";
  const loaded = execFileSync(process.execPath, ['--eval', script], { cwd: ROOT, encoding: 'utf8' });
  const source = join(ROOT, 'dist', 'src');
  const rooms = new Set((JSON.parse(loaded) as string[]).map((file) => relative(source, file).split(sep)[0]));
  for (const room of ['merge', 'python-file', 'cluster', 'cli']) assert.equal(rooms.has(room), false, room);
  const inServe = (JSON.parse(loaded) as string[]).filter((file) => file.startsWith(join(source, 'serve') + sep));
  assert.deepEqual(
    inServe.map((file) => basename(file)),
    ['listen-error.js', 'web-config-error.js'],
  );
});

test('preloading loads nothing of the package but the hook and its messages, until somebody asks for a metric', () => {
  const script = 'console.log(JSON.stringify(Object.keys(require.cache)))';
  const loaded = execFileSync(process.execPath, ['--require', registerPath(), '--eval', script], { encoding: 'utf8' });
  const source = join(ROOT, 'dist', 'src');
  const hook = ['install-hooks', 'redirection', 'resolve-hook'].map((name) => join('prom-client', `${name}.js`));
  // a message is logged once for all copies of this version in the process, which package.json tells
  const messages = ['warn-once.js', 'copies.js', 'test-runner.js', 'debug-log.js', join('..', '..', 'package.json')];
  assert.deepEqual(
    (JSON.parse(loaded) as string[]).map((file) => relative(source, file)).toSorted(),
    ['register.js', ...hook, ...messages].toSorted(),
  );
});

test('a clock that is replaced after the import is the one that is asked', async (t) => {
  const registry = new Registry(undefined, { multiprocess: false });
  const gauge = new Gauge({ name: 'set_at', help: 'When.', registers: [registry] });
  t.mock.timers.enable({ apis: ['Date', 'setTimeout', 'setInterval', 'setImmediate'], now: 1_000_000 });
  gauge.setToCurrentTime();
  assert.match(await registry.metrics(), /^set_at 1000$/m);
  t.mock.timers.tick(5000);
  gauge.setToCurrentTime();
  assert.match(await registry.metrics(), /^set_at 1005$/m);
});
