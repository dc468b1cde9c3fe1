import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { Gauge, registerPath, Registry } from 'prom-multiproc';

const ROOT = join(__dirname, '..', '..');

/** Watches what a module does when it is loaded, in a process of its own. */
const WATCH = `
const fs = require('node:fs');
const process = require('node:process');
const calls = [];
const watch = (object, name, label = name) => {
  const original = object[name];
  object[name] = function (...args) { calls.push(label); return original.apply(this, args); };
};
for (const name of ['setTimeout', 'setInterval', 'setImmediate']) watch(globalThis, name);
for (const name of ['on', 'once', 'addListener', 'prependListener']) watch(process, name, 'process.' + name);
for (const name of ['openSync', 'open', 'mkdirSync', 'writeFileSync', 'statSync', 'readdirSync']) watch(fs, name, 'fs.' + name);
watch(fs.promises, 'open', 'fs.promises.open');
watch(Date, 'now', 'Date.now');
watch(process, 'hrtime', 'process.hrtime');
watch(performance, 'now', 'performance.now');
watch(process, 'dlopen', 'process.dlopen');
watch(process, 'emitWarning', 'process.emitWarning');
const listeners = () => process.eventNames().map((name) => [String(name), process.listenerCount(name)]).sort();
const descriptors = () => fs.existsSync('/proc/self/fd') ? fs.readdirSync('/proc/self/fd').length : 0;
const before = { listeners: listeners(), descriptors: descriptors(), resources: process.getActiveResourcesInfo(), env: { ...process.env } };
calls.length = 0;
require(process.argv[1]);
const seen = [...calls];
const after = { listeners: listeners(), descriptors: descriptors(), resources: process.getActiveResourcesInfo(), env: { ...process.env } };
const packages = new Set();
for (const file of Object.keys(require.cache)) {
  const at = file.lastIndexOf('node_modules');
  if (at >= 0) packages.add(file.slice(at + 13));
}
console.log(JSON.stringify({ seen, before, after, packages: [...packages].sort() }));`;

interface Report {
  readonly seen: readonly string[];
  readonly before: object;
  readonly after: object;
  /** Files of other packages that were loaded. */
  readonly packages: readonly string[];
}

function watched(name: string): Report {
  const options = {
    cwd: ROOT,
    encoding: 'utf8' as const,
    env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: '/nowhere' },
  };
  return JSON.parse(execFileSync(process.execPath, ['--eval', WATCH, name], options)) as Report;
}

test('importing the package starts no timer, adds no listener, asks no clock, opens no file and loads no native module', () => {
  const { seen, before, after, packages } = watched('prom-multiproc');
  assert.deepEqual(seen, []);
  assert.deepEqual(after, before);
  // two files of pure functions; nothing of koffi, piscina, proper-lockfile or the rest of prom-client
  assert.deepEqual(
    packages.filter((file) => !file.startsWith('msgpackr/')),
    ['prom-client/lib/metricAggregators.js', 'prom-client/lib/util.js'],
  );
});

test('preloading loads nothing of the package but the hook, until somebody asks for a metric', () => {
  const script = 'console.log(JSON.stringify(Object.keys(require.cache)))';
  const loaded = execFileSync(process.execPath, ['--require', registerPath(), '--eval', script], { encoding: 'utf8' });
  const source = join(ROOT, 'dist', 'src');
  assert.deepEqual(
    (JSON.parse(loaded) as string[]).map((file) => relative(source, file)),
    [
      'register.js',
      ...['install-hooks', 'redirection', 'resolve-hook'].map((name) => join('prom-client', `${name}.js`)),
    ],
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
