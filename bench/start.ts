/**
 * What the start of a process costs: the package is required, and the first metric is made and counted, here with a file in a
 * directory; beside prom-client, which counts in memory.
 *
 *   node dist/bench/start.js
 *
 * Each sample is a process of its own. The processes of all rows take turns, and the figures are medians. The size is that of a fresh
 * `npm install` of the packed package.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, table } from './report.js';

const PROCESSES = 41;
const ROOT = join(__dirname, '..', '..');

interface Sample {
  readonly ms: number;
  readonly cpuMs: number;
  /** Beyond what the process had before. */
  readonly rssBytes: number;
  readonly modules: number;
  /** The exposition, to show that both have counted the same. */
  readonly shown: string;
}

const FIRST_METRIC = "new client.Counter({ name: 'starts_total', help: 'Starts.' }).inc()";

interface Row {
  readonly name: string;
  readonly library: 'prom-client' | 'prom-multiproc';
  readonly work: string;
  readonly inDirectory?: true;
}

const ROWS: readonly Row[] = [
  { name: 'require', library: 'prom-client', work: '' },
  { name: 'require', library: 'prom-multiproc', work: '' },
  { name: 'and the first metric', library: 'prom-client', work: FIRST_METRIC },
  { name: 'and the first metric in memory', library: 'prom-multiproc', work: FIRST_METRIC },
  { name: 'and the first metric in a directory', library: 'prom-multiproc', work: FIRST_METRIC, inDirectory: true },
];

function sample({ library, work, inDirectory }: Row, dir: string): Sample {
  // what this takes is the same on both sides, and is not measured
  const script = `
    const rss = process.memoryUsage.rss(), cpu = process.cpuUsage(), start = performance.now();
    const client = require('${library}');
    ${work};
    const ms = performance.now() - start, { user, system } = process.cpuUsage(cpu);
    const rssBytes = process.memoryUsage.rss() - rss, modules = Object.keys(require.cache).length;
    client.register.getMetricsAsJSON().then((metrics) => {
      const shown = JSON.stringify(metrics.map(({ name, values }) => [name, values.map(({ value }) => value)]));
      process.stdout.write(JSON.stringify({ ms, cpuMs: (user + system) / 1000, rssBytes, modules, shown }));
    })`;
  const env = {
    ...process.env,
    PROMETHEUS_MULTIPROC_DIR: inDirectory ? mkdtempSync(join(dir, 'metrics-')) : undefined,
  };
  return JSON.parse(execFileSync(process.execPath, ['--eval', script], { cwd: ROOT, env, encoding: 'utf8' })) as Sample;
}

/** Bytes of files by package, after an installation into an empty folder. */
function installed(dir: string, packages: readonly string[]): ReadonlyMap<string, number> {
  mkdirSync(dir);
  writeFileSync(join(dir, 'package.json'), '{ "private": true }');
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...packages], {
    cwd: dir,
    stdio: 'ignore',
  });
  const list = execFileSync('npm', ['ls', '--all', '--parseable'], { cwd: dir, encoding: 'utf8' });
  // the first line is the folder itself
  const folders = new Set(list.trim().split('\n').slice(1));
  return new Map([...folders].map((folder) => [folder.slice(join(dir, 'node_modules').length + 1), size(folder)]));
}

function size(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
}

/** Smaller packages stand in one row. */
const SMALL_BYTES = 100_000;
const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);

function printSizes(dir: string): void {
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', dir];
  const packed = execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8' });
  const theirs = installed(join(dir, 'prom-client'), ['prom-client@15.1.3']);
  const ours = installed(join(dir, 'prom-multiproc'), [join(dir, packed.trim())]);
  const sum = (sizes: Iterable<number>): number => [...sizes].reduce((total, bytes) => total + bytes, 0);
  const libraries = Object.entries({ 'prom-client': theirs, 'prom-multiproc': ours });
  const totals = libraries.map(([name, sizes]) => [name, String(sizes.size), megabytes(sum(sizes.values()))]);
  console.log(`\n${table(['installed', 'packages', 'MB'], totals)}`);
  const large = [...ours].filter(([, bytes]) => bytes >= SMALL_BYTES).toSorted(([, a], [, b]) => b - a);
  const others = sum(ours.values()) - sum(large.map(([, bytes]) => bytes));
  const rows = [...large, [`${ours.size - large.length} others`, others] as const];
  const ofPromClient = (name: string): string => (theirs.has(name) ? 'yes' : '');
  const cells = rows.map(([name, bytes]) => [name, megabytes(bytes), ofPromClient(name)]);
  console.log(`\n${table(['package', 'MB', 'comes with prom-client'], cells)}`);
}

const MIB = 2 ** 20;
const dir = mkdtempSync(join(tmpdir(), 'prom-multiproc-start-'));
try {
  const samples = ROWS.map((row) => [sample(row, dir)]);
  assert.deepEqual(
    samples.map(([{ shown }]) => shown),
    ROWS.map(({ work }) => (work === '' ? '[]' : '[["starts_total",[1]]]')),
  );
  for (let turn = 1; turn < PROCESSES; turn++) ROWS.forEach((row, at) => samples[at].push(sample(row, dir)));
  const rows = ROWS.map(({ name, library }, at) => {
    const of = (figure: 'ms' | 'cpuMs' | 'rssBytes'): number => median(samples[at].map((each) => each[figure]));
    return [
      name,
      library,
      of('ms').toFixed(1),
      of('cpuMs').toFixed(1),
      (of('rssBytes') / MIB).toFixed(1),
      String(samples[at][0].modules),
    ];
  });
  console.log(table(['start', 'library', 'ms', 'ms of CPU', 'MiB', 'files of JavaScript'], rows));
  printSizes(dir);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
