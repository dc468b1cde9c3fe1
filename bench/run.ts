/**
 * Runs all benchmarks, each in a separate process (`npm run bench`), or some of them (`npm run bench -- hot-path`).
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Files of this folder that are not benchmarks. */
const PARTS = new Set(['run.js', 'report.js', 'operation.js']);

const wanted = process.argv.slice(2);
const benchmarks = readdirSync(__dirname).filter(
  (file) => file.endsWith('.js') && !PARTS.has(file) && (wanted.length === 0 || wanted.includes(basename(file, '.js'))),
);
console.log(`Node ${process.version}, ${process.platform}, ${new Date().toISOString().slice(0, 10)}`);
let failed = false;
for (const benchmark of benchmarks) {
  console.log(`\n## ${basename(benchmark, '.js')}\n`);
  const { status } = spawnSync(process.execPath, ['--expose-gc', join(__dirname, benchmark)], { stdio: 'inherit' });
  failed ||= status !== 0;
}
process.exitCode = failed ? 1 : 0;
