import { statSync } from 'node:fs';
import { join } from 'node:path';
import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { checkMetricsFile, isMetricsFile } from '../collector/file-kinds.js';
import { scanDirectory } from '../directory/scan.js';
import { PromMultiprocError } from '../errors.js';
import { type LintProblem, lintFamilies } from '../exposition/lint.js';
import { colour } from './colour.js';
import { existingDirectory } from './existing-directory.js';
import { plain, print, printJson } from './print.js';

/** Checks the named files, or all files of the directory and the names of the metrics in it. Exits 1 where anything is wrong. */
export async function checkCommand(files: readonly string[], options: { dir?: string; json?: boolean }): Promise<void> {
  for (const file of files) {
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    const text = `${JSON.stringify(file)} is a directory: check its files with --dir`;
    throw new PromMultiprocError('ERR_INVALID_ARGUMENT', text);
  }
  const dir = files.length === 0 ? existingDirectory(options.dir) : undefined;
  const reports = (dir === undefined ? files : filesOf(dir)).map((file) => ({ file, ...checkMetricsFile(file) }));
  const lints = dir === undefined ? [] : await lintsOf(dir);
  if (options.json === true) printJson({ files: reports, lints });
  for (const { file, ok, problems } of options.json === true ? [] : reports) {
    print(`${plain(file)}: ${ok ? colour.green('ok') : colour.red('BAD')}`);
    for (const { offset, reason } of problems) print(`  at byte ${offset}: ${plain(reason)}`);
  }
  for (const { metric, text } of options.json === true ? [] : lints) print(plain(`${metric}: ${text}`));
  if (lints.length > 0 || reports.some(({ ok }) => !ok)) process.exitCode = 1;
}

function filesOf(dir: string): string[] {
  const { dataFiles, archives, foreign } = scanDirectory(dir);
  const ours = [...archives, ...dataFiles].map(({ name }) => name);
  return [...ours, ...foreign.filter(isMetricsFile)].map((name) => join(dir, name));
}

async function lintsOf(dir: string): Promise<LintProblem[]> {
  const collector = new MultiprocessCollector({ dir, threads: false, selfMetrics: false, readOnly: true });
  const problems = lintFamilies(await collector.families());
  const { conflicts } = await collector.status();
  await collector.close();
  return [...problems, ...conflicts.map(({ family, text }) => ({ metric: family, text }))];
}
