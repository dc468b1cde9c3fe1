/** The preload hook, in projects of several shapes and on several releases of Node. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { registerPath } from 'prom-multiproc';
import { nodeRelease, OTHER_NODE_MAJORS } from '../support/node-release.js';
import { withTempDir } from '../support/temp-dir.js';

const run = promisify(execFile);
const PACKAGE = join(__dirname, '..', '..', '..');
const FAKE = 'module.exports = { fake: true }; module.exports.Counter = class Fake {};\n';

/** An application with a prom-client of its own, and a library that has another one nested. */
function project(t: TestContext, files: Record<string, string>): string {
  const dir = withTempDir(t);
  const library = 'node_modules/library';
  const all: Record<string, string> = {
    'node_modules/prom-client/package.json': '{ "name": "prom-client", "version": "15.0.0", "main": "index.js" }',
    'node_modules/prom-client/index.js': FAKE,
    'node_modules/@prometheus-io/client/package.json': '{ "name": "@prometheus-io/client", "version": "0.16.1" }',
    'node_modules/@prometheus-io/client/index.js': FAKE,
    [`${library}/index.js`]: "exports.required = require('prom-client');\n",
    [`${library}/module.mjs`]:
      "export { Counter } from 'prom-client';\nexport * as all from '@prometheus-io/client';\n",
    [`${library}/node_modules/prom-client/index.js`]: FAKE,
    [`${library}/node_modules/@prometheus-io/client/index.js`]: FAKE,
    ...files,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

const EVERY_WAY = `
import byDefault, { Counter, contentType, register } from 'prom-client';
import * as namespace from 'prom-client';
import other, { ClusterRegistry, WorkerRegistry } from '@prometheus-io/client';
import library from 'library';
import { Counter as LibraryCounter, all } from 'library/module.mjs';
import DeepRegistry from 'prom-client/lib/registry.js';
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const required = require('prom-client');
const real = require(${JSON.stringify(PACKAGE)});
const same = {
  byDefault, required, other, library: library.required, otherRequired: require('@prometheus-io/client'),
  nestedAll: all.default, dynamic: (await import('prom-client')).default, index: require('prom-client/index.js'),
};
const parts = {
  Counter, namespace: namespace.Counter, library: LibraryCounter, deep: require('prom-client/lib/counter'),
  viaRegistry: new DeepRegistry() instanceof real.Registry && real.Counter,
};
new Counter({ name: 'hits_total', help: 'Hits.' }).inc(2);
byDefault.collectDefaultMetrics();
const text = await register.metrics();
console.log(JSON.stringify({
  same: Object.entries(same).filter(([, value]) => value !== real).map(([name]) => name),
  parts: Object.entries(parts).filter(([, value]) => value !== real.Counter).map(([name]) => name),
  others: [ClusterRegistry, WorkerRegistry].every((value) => typeof value === 'function'),
  contentType,
  resolved: require.resolve('prom-client') === require.resolve(${JSON.stringify(PACKAGE)}),
  version: require('prom-client/package.json').version,
  counted: /^hits_total 2$/m.test(text),
  measured: /^process_cpu_seconds_total /m.test(text) && /^nodejs_heap_size_used_bytes /m.test(text),
}));`;

const FOUND = {
  same: [],
  parts: [],
  others: true,
  contentType: 'text/plain; version=0.0.4; charset=utf-8',
  resolved: true,
  version: '15.0.0',
  counted: true,
  measured: true,
};

async function preloaded(node: string, dir: string, ...args: string[]): Promise<string> {
  const options = { cwd: dir, env: { ...process.env, NODE_TEST_CONTEXT: undefined } };
  const { stdout, stderr } = await run(node, ['--throw-deprecation', '--import', registerPath(), ...args], options);
  assert.equal(stderr, '');
  return stdout;
}

for (const major of ['this', ...OTHER_NODE_MAJORS] as const) {
  test(`require, import, import * and nested copies all get this package, on Node ${major}`, async (t) => {
    const node = major === 'this' ? process.execPath : await nodeRelease(major);
    const dir = project(t, { 'app.mjs': EVERY_WAY });
    assert.deepEqual(JSON.parse(await preloaded(node, dir, 'app.mjs')), FOUND);
  });
}

const OTHER_NAMES = `
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const real = require(${JSON.stringify(PACKAGE)});
const names = ['metrics-alias', '#client', 'prom-client-cb39b826407dce36'];
const found = [];
for (const name of names) {
  found.push(require(name) === real, (await import(name)).default === real, require.resolve(name) === require.resolve('prom-client'));
}
found.push(require('metrics-alias/lib/registry.js') === real.Registry, (await import('metrics-alias/lib/registry.js')).default === real.Registry);
console.log(JSON.stringify({ found, other: require('prom-client-like').fake, version: require('metrics-alias/package.json').version }));`;

for (const major of ['this', ...OTHER_NODE_MAJORS] as const) {
  test(`an alias of npm, an entry of imports and a linked name of prom-client are redirected by the package that they resolve to, on Node ${major}`, async (t) => {
    const dir = project(t, {
      'app.mjs': OTHER_NAMES,
      'package.json': '{ "imports": { "#client": "prom-client" } }',
      'node_modules/metrics-alias/package.json': '{ "name": "prom-client", "version": "15.1.3" }',
      'node_modules/metrics-alias/index.js': FAKE,
      'node_modules/metrics-alias/lib/registry.js': FAKE,
      'node_modules/prom-client-like/package.json': '{ "name": "prom-client-like" }',
      'node_modules/prom-client-like/index.js': FAKE,
    });
    symlinkSync('prom-client', join(dir, 'node_modules', 'prom-client-cb39b826407dce36'), 'junction');
    const node = major === 'this' ? process.execPath : await nodeRelease(major);
    assert.deepEqual(JSON.parse(await preloaded(node, dir, 'app.mjs')), {
      found: Array(11).fill(true),
      other: true,
      version: '15.1.3',
    });
  });
}

/** Hooks of an application's own, as a TypeScript loader or a tracer has them. */
const OWN_HOOKS = {
  'own-hooks.mjs': `
    import * as module from 'node:module';
    // register() is deprecated from 26 on, for everybody
    if (Number(process.versions.node.split('.')[0]) < 26) module.register('./hooks.mjs', import.meta.url);
    module.registerHooks?.({ resolve: (specifier, context, next) => next(specifier, context) });`,
  'hooks.mjs': `
    export const resolve = (specifier, context, next) => next(specifier, context);
    export const load = (url, context, next) => next(url, context);`,
};

for (const major of ['this', ...OTHER_NODE_MAJORS] as const) {
  test(`beside hooks of the application's own, whichever came first, on Node ${major}`, async (t) => {
    const node = major === 'this' ? process.execPath : await nodeRelease(major);
    const dir = project(t, { 'app.mjs': EVERY_WAY, ...OWN_HOOKS });
    const first = ['--import', './own-hooks.mjs', '--import', registerPath(), 'app.mjs'];
    const [{ stdout }, after] = await Promise.all([
      run(node, first, { cwd: dir }),
      preloaded(node, dir, '--import', './own-hooks.mjs', 'app.mjs'),
    ]);
    assert.deepEqual(JSON.parse(stdout), FOUND);
    assert.deepEqual(JSON.parse(after), FOUND);
  });
}

test('threads and child processes in other directories get it through NODE_OPTIONS', async (t) => {
  const dir = project(t, {
    'app.js': `
      const { Worker } = require('node:worker_threads');
      const { execFileSync } = require('node:child_process');
      const ask = "console.log(typeof require('prom-client').MultiprocessCollector)";
      console.log(execFileSync(process.execPath, ['-e', ask], { cwd: 'node_modules/library', encoding: 'utf8' }).trim());
      new Worker('./thread.js');`,
    // node does not run --import in threads made with `eval: true`, as it does --require (20 to 26)
    'thread.js': "console.log(typeof require('prom-client').MultiprocessCollector);",
  });
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: `--import=${registerPath()}` };
  const { stdout, stderr } = await run(process.execPath, ['app.js'], { cwd: dir, env });
  assert.deepEqual({ stdout, stderr }, { stdout: 'function\nfunction\n', stderr: '' });
});

test('the package’s name is enough where it is installed', async (t) => {
  const dir = project(t, { 'app.js': "console.log(typeof require('prom-client').MultiprocessCollector);" });
  symlinkSync(PACKAGE, join(dir, 'node_modules', 'prom-multiproc'), 'junction');
  const { stdout, stderr } = await run(process.execPath, ['--import', 'prom-multiproc/register', 'app.js'], {
    cwd: dir,
  });
  assert.deepEqual({ stdout, stderr }, { stdout: 'function\n', stderr: '' });
});

test('--require does as --import does', async (t) => {
  const dir = project(t, {
    'app.mjs': "import { Counter } from 'library/module.mjs';\nconsole.log(Counter.name, process.execArgv[0]);",
  });
  const { stdout } = await run(process.execPath, ['--require', registerPath(), 'app.mjs'], { cwd: dir });
  assert.equal(stdout, 'Counter --require\n');
});

test('a part of prom-client that there is no counterpart of is an error that says so', async (t) => {
  const dir = project(t, {
    'app.mjs': `
      import { createRequire } from 'node:module';
      const require = createRequire(import.meta.url);
      const errors = [];
      try { require('prom-client/lib/metrics/helpers/processMetricsHelpers'); } catch (error) { errors.push(error); }
      await import('@prometheus-io/client/lib/no/../such.js').catch((error) => errors.push(error));
      console.log(JSON.stringify(errors.map(({ code, message }) => ({ code, message }))));`,
  });
  const parent = JSON.stringify(join(dir, 'app.mjs'));
  const message = (name: string, file: string): string =>
    `prom-multiproc/register stands in for "${name}" and has no counterpart of "${file}", which ${parent} asks for: load it without the hook, or open an issue that describes its use`;
  assert.deepEqual(JSON.parse(await preloaded(process.execPath, dir, 'app.mjs')), [
    {
      code: 'MODULE_NOT_FOUND',
      message: message('prom-client', 'prom-client/lib/metrics/helpers/processMetricsHelpers'),
    },
    {
      code: 'MODULE_NOT_FOUND',
      message: message('@prometheus-io/client', '@prometheus-io/client/lib/no/../such.js'),
    },
  ]);
});

test('every group of default metrics can be collected by its deep path, from both packages', async (t) => {
  const dir = project(t, {
    'app.js': `
      const { Registry, register, collectDefaultMetrics } = require('prom-client');
      const failed = [];
      for (const group of collectDefaultMetrics.metricsList) {
        const collect = require('prom-client/lib/metrics/' + group);
        const registry = new Registry(undefined, { multiprocess: false });
        collect(registry, { prefix: 'app_', labels: { zone: 'a' } });
        const names = registry.getMetricsAsArray().map(({ name }) => name);
        if (names.length === 0 || String(names) !== String(collect.metricNames.map((name) => 'app_' + name))) {
          failed.push([group, names, collect.metricNames]);
        }
      }
      require('@prometheus-io/client/lib/metrics/eventLoopUtilization.js')();
      console.log(JSON.stringify({ failed, shown: register.getMetricsAsArray().map(({ name }) => name) }));
      process.exit();`,
  });
  assert.deepEqual(JSON.parse(await preloaded(process.execPath, dir, 'app.js')), {
    failed: [],
    shown: ['nodejs_eventloop_utilization_summary', 'nodejs_eventloop_utilization_histogram'],
  });
});

/** What one version of prom-client has for itself. */
const INNER = new Set([
  'incWithoutExemplar',
  'incWithExemplar',
  'observeWithoutExemplar',
  'observeWithExemplar',
  '_getValue',
]);

test('every deep path of prom-client that is not a collector has a counterpart with the same members', () => {
  const names = ['registry', 'counter', 'gauge', 'histogram', 'summary', 'util', 'metric', 'pushgateway', 'cluster'];
  names.push(
    'defaultMetrics',
    'bucketGenerators',
    'validation',
    'exemplar',
    'timeWindowQuantiles',
    'metricAggregators',
  );
  for (const name of names) {
    const theirs = require(`prom-client/lib/${name}`) as object;
    const ours = require(`prom-multiproc/lib/${name}`) as object;
    assert.equal(typeof ours, typeof theirs, name);
    for (const member of Object.keys(theirs)) assert.ok(member in ours, `${name}.${member}`);
    const { prototype } = ours as { prototype?: object };
    if (prototype === undefined) continue;
    for (const member of Object.getOwnPropertyNames((theirs as { prototype: object }).prototype)) {
      assert.ok(member in prototype || INNER.has(member), `${name}#${member}`);
    }
  }
});
