/** Bundlers make one file of an application that counts with the packed package, and the file runs in a cluster. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { APP, ESM_BANNER, runBundle } from '../support/bundled-app.js';
import { type InstalledApp, sharedApp } from '../support/installed-app.js';

const plugins = ['commonjs@29.0.3', 'node-resolve@16.0.3', 'json@6.1.0'].map((name) => `@rollup/plugin-${name}`);
const installed = sharedApp([
  ...['esbuild@0.28.2', 'rollup@4.68.8', ...plugins, 'webpack@5.113.0', 'tsup@8.5.1', 'typescript@5.9.3'],
  ...['@vercel/ncc@0.45.0', 'bun@1.4.5'],
]);

/** The application with the configuration of one bundler, which writes to a folder of its own. */
async function bundledApp(files: Readonly<Record<string, string>> = {}): Promise<InstalledApp> {
  const app = await installed();
  app.write({ 'app.mjs': APP, ...files });
  return app;
}

async function run(app: InstalledApp, command: string, ...args: string[]): Promise<void> {
  const { end, output } = await app.run(app.path('node_modules', '.bin', command), args);
  assert.equal(end, 0, output);
}

/** Each file counts right, serves the status page, and warns of nothing: koffi is found in node_modules. */
async function runAll(t: TestContext, app: InstalledApp, ...files: string[]): Promise<void> {
  for (const file of files) assert.deepEqual(await runBundle(t, app.path(file)), [], file);
}

test('esbuild, to CommonJS and to an ES module', async (t) => {
  const app = await bundledApp();
  await run(app, 'esbuild', 'app.mjs', '--bundle', '--platform=node', '--outfile=esbuild/app.cjs');
  const esm = ['--format=esm', `--banner:js=${ESM_BANNER}`, '--outfile=esbuild/app.mjs'];
  await run(app, 'esbuild', 'app.mjs', '--bundle', '--platform=node', ...esm);
  await runAll(t, app, 'esbuild/app.cjs', 'esbuild/app.mjs');
});

test('rollup, to CommonJS and to an ES module', async (t) => {
  const app = await bundledApp({
    'rollup.config.mjs': `
      import commonjs from '@rollup/plugin-commonjs';
      import json from '@rollup/plugin-json';
      import resolve from '@rollup/plugin-node-resolve';
      export default {
        input: 'app.mjs',
        plugins: [resolve({ preferBuiltins: true }), commonjs({ ignoreDynamicRequires: true }), json()],
        output: [
          { file: 'rollup/app.cjs', format: 'cjs', inlineDynamicImports: true },
          { file: 'rollup/app.mjs', format: 'es', inlineDynamicImports: true },
        ],
      };`,
  });
  await run(app, 'rollup', '--config');
  await runAll(t, app, 'rollup/app.cjs', 'rollup/app.mjs');
});

test('webpack', async (t) => {
  const app = await bundledApp({
    'build.cjs': `
      const output = { path: __dirname + '/webpack', filename: 'app.cjs' };
      require('webpack')({ mode: 'production', target: 'node', entry: './app.mjs', output }, (error, stats) => {
        if (error || stats.hasErrors()) throw error ?? new Error(String(stats));
      });`,
  });
  const { end, output } = await app.node('build.cjs');
  assert.equal(end, 0, output);
  await runAll(t, app, 'webpack/app.cjs');
});

test('tsup', async (t) => {
  const app = await bundledApp({
    'tsup.config.cjs': `module.exports = { entry: ['app.mjs'], format: ['cjs'], outDir: 'tsup', noExternal: [/./] };`,
  });
  await run(app, 'tsup', '--config', 'tsup.config.cjs');
  await runAll(t, app, 'tsup/app.js');
});

test('ncc', async (t) => {
  const app = await bundledApp();
  await run(app, 'ncc', 'build', 'app.mjs', '--out', 'ncc');
  await runAll(t, app, 'ncc/index.mjs');
});

test('bun build', async (t) => {
  const app = await bundledApp();
  // its install script puts the executable in place, and npm may not have run it
  await app.node('node_modules/bun/install.js');
  await run(app, 'bun', 'build', 'app.mjs', '--target=node', '--outfile=bun/app.mjs');
  await runAll(t, app, 'bun/app.mjs');
});
