import { statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { checkMetricsFile, isMetricsFile } from '../collector/file-kinds.js';
import { isDefaultMetricName } from '../default-metrics/default-metric-groups.js';
import { scanDirectory } from '../directory/scan.js';
import { invalidArgument } from '../errors.js';
import { type LintProblem, lintFamilies } from '../exposition/lint.js';
import { colour, findingLine } from './colour.js';
import { existingDirectory } from './existing-directory.js';
import { plain, print, printJson } from './print.js';

interface CheckOptions {
  readonly dir?: string;
  readonly json?: boolean;
  readonly health?: boolean;
  readonly strictNames?: boolean;
}

/** Requests are counted for so long. */
const RATE_MS = 1000;

/** A note is no reason to exit 1. */
interface NameProblem extends LintProblem {
  readonly isNote: boolean;
}

/** Checks the named files, or all files of the directory and the names of the metrics in it. Exits 1 where anything is wrong. */
export async function checkCommand(files: readonly string[], options: CheckOptions): Promise<void> {
  if (options.health === true) return checkHealth(files, options);
  for (const file of files) {
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    const text = `${JSON.stringify(file)} is a directory: check its files with --dir`;
    throw invalidArgument(text);
  }
  const dir = files.length === 0 ? existingDirectory(options.dir) : undefined;
  const reports = (dir === undefined ? files : filesOf(dir)).map((file) => ({ file, ...checkMetricsFile(file) }));
  const lints = dir === undefined ? [] : await lintsOf(dir, options.strictNames === true);
  if (options.json === true) printJson({ files: reports, lints });
  for (const { file, ok, problems } of options.json === true ? [] : reports) {
    print(`${plain(file)}: ${ok ? colour.green('ok') : colour.red('BAD')}`);
    for (const { offset, reason } of problems) print(`  at byte ${offset}: ${plain(reason)}`);
  }
  for (const { metric, text, isNote } of options.json === true ? [] : lints) {
    print(plain(`${isNote ? 'note: ' : ''}${metric}: ${text}`));
  }
  if (lints.some(({ isNote }) => !isNote) || reports.some(({ ok }) => !ok)) process.exitCode = 1;
}

function filesOf(dir: string): string[] {
  const { dataFiles, archives, foreign } = scanDirectory(dir);
  const ours = [...archives, ...dataFiles].map(({ name }) => name);
  return [...ours, ...foreign.filter(isMetricsFile)].toSorted().map((name) => join(dir, name));
}

/** Prints the verdict of the status page. Exits 1 where anything is wrong. */
async function checkHealth(files: readonly string[], options: CheckOptions): Promise<void> {
  if (files.length > 0) {
    throw invalidArgument('--health is about a directory: give --dir, and no files');
  }
  const dir = existingDirectory(options.dir);
  const collector = new MultiprocessCollector({ dir, threads: false, selfMetrics: false, readOnly: true });
  const { stats } = await collector.status();
  // rates of requests need a second reading
  if (stats.live + stats.unknown > 0) await sleep(RATE_MS);
  const { verdict } = await collector.status();
  await collector.close();
  if (options.json === true) printJson({ healthy: verdict.length === 0, findings: verdict });
  else if (verdict.length === 0) print(colour.green('healthy'));
  else for (const finding of verdict) print(findingLine(finding));
  if (verdict.length > 0) process.exitCode = 1;
}

async function lintsOf(dir: string, isStrict: boolean): Promise<NameProblem[]> {
  const collector = new MultiprocessCollector({ dir, threads: false, selfMetrics: false, readOnly: true });
  const problems = lintFamilies(await collector.families());
  const { conflicts } = await collector.status();
  await collector.close();
  // the names of the default metrics are prom-client's: dashboards everywhere know them, and nobody here can rename them
  const isNote = (metric: string): boolean => !isStrict && isDefaultMetricName(metric);
  return [
    ...problems.map((problem) => ({ ...problem, isNote: isNote(problem.metric) })),
    ...conflicts.map(({ family, text }) => ({ metric: family, text, isNote: false })),
  ];
}
