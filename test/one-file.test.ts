import assert from 'node:assert/strict';
import { symlinkSync, writeFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { npmPackage } from './support/npm-package.js';
import { DIST } from './support/program.js';
import { withTempDir } from './support/temp-dir.js';
import { APP, runBundle } from './support/bundled-app.js';

// These tests are about the native module in a bundle, also in a run of the suite without native code.
delete process.env.PROM_MULTIPROC_NO_MMAP;

const ROOT = join(DIST, '..');

async function bundled(t: TestContext): Promise<{ dir: string; file: string }> {
  const esbuild = createRequire(__filename)(await npmPackage('esbuild', '0.28.2')) as {
    build(options: object): Promise<{ warnings: readonly { text: string }[] }>;
  };
  const dir = withTempDir(t);
  writeFileSync(join(dir, 'app.mjs'), APP);
  const file = join(dir, 'out.cjs');
  const { warnings } = await esbuild.build({
    entryPoints: [join(dir, 'app.mjs')],
    outfile: file,
    bundle: true,
    platform: 'node',
    alias: { 'prom-multiproc': join(DIST, 'src', 'root.js') },
    logLevel: 'silent',
  });
  assert.deepEqual(
    warnings.map(({ text }) => text),
    [],
  );
  return { dir, file };
}

test('an application that esbuild made one file of counts in a cluster, by koffi from its node_modules, with its status page', async (t) => {
  const { dir, file } = await bundled(t);
  symlinkSync(join(ROOT, 'node_modules'), join(dir, 'node_modules'));
  assert.deepEqual(await runBundle(t, file), []);
});

test('without node_modules beside it each process maps its file by node:ffi, or warns once that it is written on a timer', async (t) => {
  const { file } = await bundled(t);
  const warnings = await runBundle(t, file);
  if (isBuiltin('node:ffi')) {
    // Node's own warning
    for (const warning of warnings) assert.match(warning, /FFI is an experimental feature|--trace-warnings/);
    return;
  }
  assert.equal(warnings.length, 3, warnings.join('\n'));
  for (const warning of warnings) assert.match(warning, /^prom-multiproc: metrics are written on a timer: /);
});
