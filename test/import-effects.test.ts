import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
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

test('importing the package neither reads nor keeps a clock, so that fake timers installed later hold', () => {
  assert.deepEqual(effects.clockUses, []);
});

test('importing the package loads one file of modules, beside those that the preload needs', () => {
  const alsoPreloaded = [
    'warn-once.js',
    'copies.js',
    'test-runner.js',
    'debug-log.js',
    join('..', '..', 'package.json'),
  ];
  assert.deepEqual(
    filesOfPackage("require('prom-multiproc')").toSorted(),
    ['root.js', 'start.js', ...alsoPreloaded].toSorted(),
  );
});

test('that file has nothing of the rooms that render, merge, serve and push: they load when they are used', () => {
  const modules = modulesAtStart();
  const of = (room: string): string[] => modules.filter((path) => path.startsWith(`${room}/`));
  for (const room of ['merge', 'python-file', 'cluster', 'cli', 'otel']) assert.deepEqual(of(room), [], room);
  assert.deepEqual(of('exposition'), ['exposition/text-dialect.js']);
  assert.deepEqual(of('serve'), ['serve/listen/listen-error.js', 'serve/web-config/web-config-error.js']);
  assert.deepEqual(of('push'), ['push/pushgateway.js']);
  assert.ok(of('instruments').length > 10 && of('storage').length > 10, modules.join(' '));
});

test('a module of that file exists once, whether the package or a file of it is required', () => {
  const script = `
    const paths = ${JSON.stringify(modulesAtStart())};
    const before = require('prom-multiproc/dist/src/start.js');
    const apart = paths.filter((path) => require('prom-multiproc/dist/src/' + path) !== before(path));
    console.log(JSON.stringify(apart), require('prom-multiproc').Counter === before('instruments/counter.js').Counter)`;
  // exports of package.json would refuse the path
  const direct = script.replaceAll("'prom-multiproc/dist", `'${ROOT}/dist`);
  assert.equal(execFileSync(process.execPath, ['--eval', direct], { cwd: ROOT, encoding: 'utf8' }), '[] true\n');
});

test('a module of that file does not ask where it is, except for the one that is beside the file', () => {
  const asks = regionsAtStart().filter(({ text }) =>
    /\b__(dirname|filename)\b|[^.\w]import\(/.test(text.replaceAll(/^ *(\/\/|\/?\*).*/gm, '')),
  );
  assert.deepEqual(
    asks.map(({ path }) => path),
    ['program-file.js'],
  );
});

test('preloading loads nothing of the package but the hook and its messages, until somebody asks for a metric', () => {
  const hook = ['install-hooks', 'redirection', 'resolve-hook'].map((name) => join('prom-client', `${name}.js`));
  // a message is logged once for all copies of this version in the process, which package.json tells
  const messages = ['warn-once.js', 'copies.js', 'test-runner.js', 'debug-log.js', join('..', '..', 'package.json')];
  assert.deepEqual(
    filesOfPackage('', ['--require', registerPath()]).toSorted(),
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

/** The files of this package that a program loads, relative to dist/src. */
function filesOfPackage(program: string, args: readonly string[] = []): string[] {
  const script = `${program}; console.log(JSON.stringify(Object.keys(require.cache)))`;
  const loaded = execFileSync(process.execPath, [...args, '--eval', script], { cwd: ROOT, encoding: 'utf8' });
  const own = (JSON.parse(loaded) as string[]).filter((file) => !file.includes('node_modules'));
  return own.map((file) => relative(join(ROOT, 'dist', 'src'), file));
}

/** The modules that .ci/start-file.mjs has put into one file. */
function regionsAtStart(): { path: string; text: string }[] {
  const text = readFileSync(join(ROOT, 'dist', 'src', 'start.js'), 'utf8');
  return [...text.matchAll(/^\/\/#region (\S+)\n([^]*?)^\/\/#endregion/gm)].map(([, path, module]) => ({
    path,
    text: module,
  }));
}

function modulesAtStart(): string[] {
  return regionsAtStart().map(({ path }) => path);
}
