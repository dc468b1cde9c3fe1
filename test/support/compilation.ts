/** Runs the TypeScript compiler on files that a test writes. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { withTempDir } from './temp-dir.js';

const ROOT = join(__dirname, '..', '..', '..');
const TSC = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');

/**
 * Compiles files of an application that has this package and prom-client installed. Returns the errors of tsc and the path
 * of the application.
 *
 * @param options compiler options that are added to the common ones, or override them
 */
export function compile(
  t: TestContext,
  files: Readonly<Record<string, string>>,
  options: Readonly<Record<string, unknown>> = {},
): { complaints: string; dir: string } {
  const dir = withTempDir(t);
  mkdirSync(join(dir, 'node_modules'));
  symlinkSync(ROOT, join(dir, 'node_modules', 'prom-multiproc'), 'junction');
  symlinkSync(join(ROOT, 'node_modules', 'prom-client'), join(dir, 'node_modules', 'prom-client'), 'junction');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  const compilerOptions = {
    module: 'node16',
    target: 'es2022',
    strict: true,
    esModuleInterop: true,
    noEmit: true,
    typeRoots: [join(ROOT, 'node_modules', '@types')],
    types: ['node'],
    ...options,
  };
  writeFileSync(join(dir, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  const { stdout, error } = spawnSync(process.execPath, [TSC, '-p', '.', '--pretty', 'false'], {
    cwd: dir,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  return { complaints: stdout, dir };
}
