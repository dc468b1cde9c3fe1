/** The id of an unnamed registry, from the place where it is made, in every kind of module. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify } from 'node:util';
import { withTempDir } from '../support/temp-dir.js';

const run = promisify(execFile);
const PACKAGE = JSON.stringify(join(__dirname, '..', '..', 'src', 'root.js'));

function project(t: TestContext, files: Record<string, string>): string {
  const dir = withTempDir(t);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), text);
  }
  return dir;
}

async function printed(dir: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await run(process.execPath, args, { cwd: dir });
  return stdout.trimEnd().split('\n');
}

const SHOW = 'for (const each of made) console.log(String(each.sharedName));\n';
const MODULE = `
const make = () => new Registry();
class Own extends Registry {}
class Shop { static create() { return new Registry(); } }
const made = [new Registry(), new Registry(), make(), make(), new Own(), Shop.create()];
setTimeout(() => { made.push(new Registry(), make()); ${SHOW} });
`;
const NAMES = ['##0', '##1', '#make#0', '#make#1', '##2', '#create#0'];

test('a place is a package, a path in it, a function and the number of registries that were made there', async (t) => {
  const dir = project(t, {
    'package.json': '{ "name": "@shop/app" }',
    'dist/package.json': '{ "type": "module" }',
    'lib/metrics.cjs': `const { Registry } = require(${PACKAGE});\n${MODULE}`,
    'dist/metrics.mjs': `import { Registry } from ${PACKAGE};\n${MODULE}`,
    'dist/imports.mjs': "import './metrics.mjs';\n",
    'dist/waits.mjs': "await null;\nawait import('./metrics.mjs');\n",
    'lib/requires.cjs': "setTimeout(() => require('./metrics.cjs'));\n",
  });
  const places = (file: string): string[] => [
    ...NAMES.map((name) => `?@shop/app/${file}${name}`),
    'undefined',
    'undefined',
  ];
  assert.deepEqual(await printed(dir, 'lib/metrics.cjs'), places('lib/metrics.cjs'));
  // a registry of a module that is loaded late is still made while loading
  assert.deepEqual(await printed(dir, 'lib/requires.cjs'), places('lib/metrics.cjs'));
  for (const main of ['metrics', 'imports', 'waits']) {
    assert.deepEqual(await printed(dir, `dist/${main}.mjs`), places('dist/metrics.mjs'));
  }
});

test('outside of a package a place is relative to the program', async (t) => {
  const dir = project(t, {
    'app/main.cjs': "require('./lib/metrics.cjs');\n",
    'app/lib/metrics.cjs': `const { Registry } = require(${PACKAGE});\nconst made = [new Registry()];\n${SHOW}`,
  });
  assert.deepEqual(await printed(dir, 'app/main.cjs'), ['?lib/metrics.cjs##0']);
  assert.deepEqual(
    await printed(dir, '-e', `const { Registry } = require(${PACKAGE}); const made = [new Registry()]; ${SHOW}`),
    ['?[eval]##0'],
  );
});

test('if the stack cannot be read a registry stays in its process, and no global state of the program changes', async (t) => {
  const dir = project(t, {
    'main.cjs': `
      const { Registry } = require(${PACKAGE});
      const prepare = (error, frames) => 'own ' + frames.length;
      Error.prepareStackTrace = prepare;
      Error.stackTraceLimit = 3;
      const made = [new Registry()];
      console.log(Error.prepareStackTrace === prepare, Error.stackTraceLimit, new Error().stack);
      Error.captureStackTrace = () => { throw new Error('no'); };
      made.push(new Registry());
      ${SHOW}`,
  });
  assert.deepEqual(await printed(dir, 'main.cjs'), ['true 3 own 3', '?main.cjs##0', 'undefined']);
});
