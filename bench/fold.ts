/**
 * The cost of dead processes, `node dist/bench/fold.js [--quick]`:
 *
 * - a scrape after 10 and after 10,000 processes have died, whose files are folded meanwhile;
 * - the number of files that a fold takes per second;
 * - a scrape during a fold, and how long the fold blocks the event loop.
 *
 * The real writer makes all files, in child processes that end.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { MultiprocessCollector } from '../src/collector/multiprocess-collector.js';
import { foldDirectory } from '../src/archive/fold.js';
import { DeadProcess } from '../test/support/dead-process.js';
import { median, table } from './report.js';

const QUICK = process.argv.includes('--quick');
const MANY = QUICK ? 1000 : 10_000;
const FEW = 10;
const LIVING = 4;
const SCRAPES = QUICK ? 50 : 300;
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** Dead and living processes have the metrics of a small service. */
const SMALL = { counters: 100, histograms: 20 };
const LARGE = { counters: 1000, histograms: 5000 };

type Size = typeof SMALL;

function fill(process_: DeadProcess, { counters, histograms }: Size): DeadProcess {
  for (let at = 0; at < counters; at++) process_.count('http_requests_total', { path: `/api/${at}`, code: '200' }, 1);
  for (let at = 0; at < histograms; at++) process_.observe('http_seconds', BOUNDS, 0.02, { path: `/api/${at}` });
  return process_;
}

/** Makes the files of so many processes in a child process, which then ends, so that its mappings are released. */
function die(dir: string, lives: number, size: Size): void {
  const { status } = spawnSync(process.execPath, [__filename, '--lives', dir, String(lives), JSON.stringify(size)], {
    stdio: 'inherit',
  });
  assert.equal(status, 0);
}

async function scrapes(collector: MultiprocessCollector, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let at = 0; at < count; at++) {
    const start = performance.now();
    await collector.metrics({ format: 'text' });
    times.push(performance.now() - start);
  }
  return times;
}

function sizeOf(dir: string): { files: number; bytes: number } {
  const sizes = readdirSync(dir).map((name) => statSync(join(dir, name)).size);
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

async function costOfTheDead(base: string): Promise<void> {
  const directories = [FEW, MANY, MANY + 9].map((dead) => ({ dead, dir: mkdtempSync(join(base, 'dead-')) }));
  for (const { dead, dir } of directories) {
    for (let done = 0; done < dead;) {
      const lives = Math.min(500, dead - done);
      die(dir, lives, SMALL);
      done += lives;
      if (lives >= 32) foldDirectory(dir);
    }
  }
  const living = directories.flatMap(({ dir }) =>
    Array.from({ length: LIVING }, () => fill(new DeadProcess(dir), SMALL).show()),
  );
  const rows = [];
  let baseline: { cold: number; warm: number } | undefined;
  const collectors = directories.map(
    ({ dir }) => new MultiprocessCollector({ dir, threads: false, fold: false, selfMetrics: false }),
  );
  const cold: number[] = [];
  for (const [at, collector] of collectors.entries()) {
    const families = await collector.families();
    const [total] = families.flatMap(({ samples }) => samples);
    assert.equal(total.value, directories[at].dead + LIVING);
    await collector.close();
  }
  for (const { dir } of directories) {
    const times = [];
    for (let at = 0; at < 15; at++) {
      const collector = new MultiprocessCollector({ dir, threads: false, fold: false, selfMetrics: false });
      times.push(...(await scrapes(collector, 1)));
      await collector.close();
    }
    cold.push(median(times));
  }
  // interleaved, so that a busy moment of the machine affects all
  const warmed = directories.map(
    ({ dir }) => new MultiprocessCollector({ dir, threads: false, fold: false, selfMetrics: false }),
  );
  const warm: number[][] = directories.map(() => []);
  for (let at = 0; at < SCRAPES; at++) {
    for (const each of living) each.count('http_requests_total', { path: '/api/1', code: '200' }, 1);
    for (const [place, collector] of warmed.entries()) warm[place].push(...(await scrapes(collector, 1)));
  }
  for (const collector of warmed) await collector.close();
  for (const [at, { dead, dir }] of directories.entries()) {
    const { files, bytes } = sizeOf(dir);
    const times = { cold: cold[at], warm: median(warm[at]) };
    baseline ??= times;
    const pending = dead === FEW ? FEW : dead - MANY;
    rows.push([
      String(dead),
      String(pending),
      String(files),
      `${Math.round(bytes / 1024)} KiB`,
      `${times.cold.toFixed(2)} ms`,
      `${(times.cold / baseline.cold).toFixed(2)}×`,
      `${times.warm.toFixed(2)} ms`,
      `${(times.warm / baseline.warm).toFixed(2)}×`,
    ]);
  }
  console.log(
    `${LIVING} living processes beside the dead, each of ${SMALL.counters} counters and ${SMALL.histograms} histograms.\n`,
  );
  console.log(table(['dead', 'of them not folded', 'files', 'size', 'first scrape', '', 'later scrape', ''], rows));
  for (const each of living) each.die();
}

function throughput(base: string): void {
  const rows = [];
  for (const [name, lives, size] of [
    ['small', QUICK ? 100 : 1000, SMALL],
    ['large', QUICK ? 4 : 20, LARGE],
  ] as const) {
    const dir = mkdtempSync(join(base, 'fold-'));
    die(dir, lives, size);
    const start = performance.now();
    const { folded, foldedBytes, archiveBytes } = foldDirectory(dir);
    const seconds = (performance.now() - start) / 1000;
    assert.equal(folded, lives);
    const series = lives * (size.counters + size.histograms);
    rows.push([
      `${lives} ${name}`,
      `${(foldedBytes / 1e6).toFixed(1)} MB`,
      `${(archiveBytes / 1e6).toFixed(1)} MB`,
      `${(seconds * 1000).toFixed(0)} ms`,
      `${Math.round(lives / seconds)} /s`,
      `${Math.round(series / seconds / 1000)},000 /s`,
    ]);
  }
  console.log(table(['files', 'read', 'archive', 'fold', 'files', 'series'], rows));
}

async function scrapesWhileFolding(base: string): Promise<void> {
  const dir = mkdtempSync(join(base, 'while-'));
  die(dir, QUICK ? 4 : 20, LARGE);
  const collector = new MultiprocessCollector({ dir, threads: true, fold: false });
  const folder = new MultiprocessCollector({ dir, fold: false });
  await scrapes(collector, 5);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const before = await scrapes(collector, 20);
  delay.enable();
  const state = { over: false };
  const folding = folder.fold().finally(() => (state.over = true));
  const during: number[] = [];
  while (!state.over) during.push(...(await scrapes(collector, 1)));
  const { folded } = await folding;
  delay.disable();
  assert.ok(folded > 0);
  const after = await scrapes(collector, 20);
  const row = (name: string, times: readonly number[]): string[] => [
    name,
    String(times.length),
    `${median(times).toFixed(1)} ms`,
    `${Math.max(...times).toFixed(1)} ms`,
  ];
  console.log(
    table(
      ['scrapes', 'number', 'median', 'longest'],
      [
        row('before the fold', before),
        row('while folding, the first with the new archive included', during),
        row('after', after),
      ],
    ),
  );
  console.log(`\nLongest stall of the event loop meanwhile: ${(delay.max / 1e6).toFixed(1)} ms.`);
  await collector.close();
  await folder.close();
}

async function main(): Promise<void> {
  const base = mkdtempSync(join(readdirSync('/').includes('dev') ? '/dev/shm' : tmpdir(), 'prom-multiproc-bench-'));
  try {
    await costOfTheDead(base);
    console.log();
    throughput(base);
    console.log();
    await scrapesWhileFolding(base);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

if (process.argv[2] === '--lives') {
  const [dir, lives, size] = process.argv.slice(3);
  for (let at = 0; at < Number(lives); at++) fill(new DeadProcess(dir), JSON.parse(size) as Size).die();
} else {
  void main();
}
