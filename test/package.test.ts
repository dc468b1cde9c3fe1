import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as root from 'prom-multiproc';
import * as index from '../src/index.js';
import { compile } from './support/compilation.js';

const ROOT = join(__dirname, '..', '..');

function runNode(cwd: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
  assert.equal(stderr, '');
  return stdout;
}

/** Every way to get hold of the package; the three have to be one. */
const CONSUMER = `
import client, { Counter, register } from 'prom-multiproc';
import * as namespace from 'prom-multiproc';

const counter: namespace.Counter<'path'> = new client.Counter({ name: 'shared_total', help: 'h', labelNames: ['path'] });
counter.inc({ path: '/' });
const same = client.Counter === Counter && namespace.Counter === Counter && client.register === namespace.register;
console.log(same, register.getSingleMetric('shared_total') === counter);
`;

/** Functions of root.js that load the function of index.ts when they are first called. */
const LOADED_AT_FIRST_CALL = new Set([
  ...['httpMetrics', 'markProcessDead', 'metricsHandler', 'mirrorRegistry', 'pm2Directory', 'setupPrimary'],
  ...['startHttpServer', 'workerLabel', 'writeToTextfile'],
]);

test('the root exports what index.ts exports, name for name', () => {
  const { default: byRequire, ...exported } = root as typeof root & { default: Record<string, unknown> };
  assert.deepEqual(Object.keys(exported).toSorted(), Object.keys(index).toSorted());
  for (const [name, value] of Object.entries(index)) {
    assert.equal(byRequire[name], exported[name as keyof typeof exported]);
    if (LOADED_AT_FIRST_CALL.has(name)) assert.equal(typeof byRequire[name], typeof value);
    else assert.equal(byRequire[name], value, name);
  }
  assert.equal('__esModule' in byRequire, false);
});

test('require, named imports, import * and a default import share one state', () => {
  const names = Object.keys(index);
  // each name stands in the import statement, which is an error for one that node's lexer does not find in root.js
  const script = `
    import { createRequire } from 'node:module';
    import { ${names.join(', ')} } from 'prom-multiproc';
    import * as namespace from 'prom-multiproc';
    import byDefault from 'prom-multiproc';
    const required = createRequire(${JSON.stringify(join(ROOT, 'package.json'))})('prom-multiproc');
    const named = { ${names.join(', ')} };
    const shared = Object.keys(named).filter((name) =>
      [required, namespace, byDefault].every((other) => other[name] === named[name] && named[name] !== undefined));
    console.log(JSON.stringify(shared));`;
  assert.deepEqual(JSON.parse(runNode(ROOT, '--input-type=module', '--eval', script)), names);
});

test('TypeScript compiles and runs a module of either kind that imports the package in every way', (t) => {
  const files = { 'module.mts': CONSUMER, 'common.cts': CONSUMER };
  const { complaints, dir } = compile(t, files, { noEmit: false, rootDir: '.', outDir: 'out' });
  assert.equal(complaints, '');
  assert.equal(runNode(dir, 'out/module.mjs'), 'true true\n');
  assert.equal(runNode(dir, 'out/common.cjs'), 'true true\n');
});

test('the package runs no script where it is installed', () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare']) assert.equal(scripts[name], undefined);
});

test('the packed package holds the compiled sources with their types and what README links, and nothing of tests', () => {
  const { status, stdout, stderr } = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  assert.equal(status, 0, stderr);
  const paths: string[] = JSON.parse(stdout)[0].files.map(({ path }: { path: string }) => path);
  const places = new Set(
    paths
      .map((path) => path.replace(/^dist\/src\/.*?\.(d\.)?[mc]?(ts|js)$/, 'dist/src/*.$1$2'))
      .map((path) => path.replace(/^examples\/.*/, 'examples/*')),
  );
  assert.deepEqual([...places].toSorted(), [
    'LICENSE',
    'README.md',
    'bench/README.md',
    'dist/src/*.d.ts',
    'dist/src/*.js',
    'examples/*',
    'package.json',
    'src/README.md',
    'src/index.ts',
    'src/metrics-file/FORMAT.md',
  ]);
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  for (const [, target] of readme.matchAll(/\]\((?!https?:)([^)#]+)/g)) assert.ok(paths.includes(target), target);
});
