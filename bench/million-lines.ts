/**
 * A scrape of a million lines out of 8 × 1,000,000 slots, and the memory of each of several instances that serve a directory.
 *
 *   node dist/bench/million-lines.js [--quick]
 *
 * A process for each file has written it and holds it; another one collects, inline, so that its CPU time and its memory are those of
 * a collector and of nothing else. The benchmark first compares the text with the expected one. All values change between two
 * scrapes. The memory is that beyond a collector of an empty directory, after the last scrape and at the highest.
 * An instance collects in a thread, as a process that serves does; its memory is that beyond an instance with an empty directory too.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';

import { Engine, productKey, type Results } from '../src/collector/engine.js';
import { lentMetrics, MultiprocessCollector } from '../src/collector/multiprocess-collector.js';
import { Series } from '../src/storage/series.js';
import { completed } from '../src/time-slices.js';
import { createFile } from '../test/support/written-file.js';
import { median, table } from './report.js';

const QUICK = process.argv.includes('--quick');
const FILES = 8;
const SERIES = QUICK ? 20_000 : 1_000_000;
const ROUNDS = 7;
/** Fewer samples of the first scrape, which each need a new process. */
const PROCESSES = QUICK ? 1 : 3;
const INSTANCES = QUICK ? 2 : 8;
const INSTANCE_SERIES = 25_000;
/** Half of what an instance took before its index had typed arrays. */
const WANTED_INSTANCE_MB = 35;
const WANTED = { coldMs: 3000, warmMs: 150, memoryMb: 400 };

const PRODUCT = {
  kind: 'body',
  isLent: true,
  format: 'text',
  settings: { selection: { registries: 'all' }, selfMetrics: false },
} as const;

interface Scrape {
  readonly cpuMs: number;
  readonly rssMb: number;
  readonly digest: string;
}

/** The process that has written a file and holds its lock: it changes all values for every message. */
function runWriter(dir: string, number: number, count: number): void {
  const { store } = createFile(dir, {
    maxBytes: 1 << 30,
    limits: { maxSeries: count, maxSeriesPerMetric: count },
    identity: { pid: 100_000 + number },
  });
  const labelNames = ['method', 'path', 'code'];
  const family = store.declare({ name: 'hits_total', help: 'h', type: 'counter', labelNames }, ['default']);
  /** The end of the slots in use, by block. */
  const slots = new Map<Float64Array, number>();
  for (let at = 0; at < count; at++) {
    const series = new Series(family, labelsOf(at));
    store.attach(series);
    series.view[series.index] = at;
    slots.set(series.view, Math.max(slots.get(series.view) ?? 0, series.index));
  }
  process.on('message', () => {
    for (const [view, end] of slots) for (let at = 0; at <= end; at++) view[at]++;
    process.send!('changed');
  });
  process.send!('written');
}

/** One process a file, which keeps the objects of its series: in one process they are more than its heap may have. */
async function writers(dir: string, count: number): Promise<ChildProcess[]> {
  const children = Array.from({ length: FILES }, (_, number) =>
    fork(__filename, ['--write', dir, String(number), String(count)]),
  );
  await Promise.all(children.map((child) => once(child, 'message')));
  return children;
}

async function changeAll(children: readonly ChildProcess[]): Promise<void> {
  for (const child of children) child.send('change');
  await Promise.all(children.map((child) => once(child, 'message')));
}

function labelsOf(at: number): readonly string[] {
  return ['GET', `/api/items/${String(at).padStart(7, '0')}`, '200'];
}

/** Of the text after so many changes. */
function expectedDigest(changes: number): string {
  const hash = createHash('sha256').update('# HELP hits_total h\n# TYPE hits_total counter\n');
  for (let at = 0; at < SERIES; at++) {
    const [method, path, code] = labelsOf(at);
    hash.update(`hits_total{method="${method}",path="${path}",code="${code}"} ${FILES * (at + changes)}\n`);
  }
  return hash.digest('hex');
}

/** A collection as the handler makes it: the body is given back when it has been sent. */
function collect(engine: Engine, returned: readonly string[]): { body: Uint8Array; loans: string[] } {
  const { results } = completed(engine.collect({ products: [PRODUCT], returned, heldLocks: { dir: 0, fold: 0 } }));
  const { body, loan } = results.get(productKey(PRODUCT)) as Results['body'];
  return { body, loans: loan === undefined ? [] : [loan] };
}

function rssMb(): number {
  return process.memoryUsage.rss() / 1e6;
}

/** The process that collects: a scrape for every message. */
function runCollector(dir: string): void {
  const engine = new Engine({ dir, deadRetentionSeconds: 3600, maxOpenFiles: 64 });
  let returned: readonly string[] = [];
  process.on('message', () => {
    const before = process.cpuUsage();
    const { body, loans } = collect(engine, returned);
    returned = loans;
    const { user, system } = process.cpuUsage(before);
    const digest = createHash('sha256').update(body).digest('hex');
    process.send!({ cpuMs: (user + system) / 1000, rssMb: rssMb(), digest } satisfies Scrape);
  });
}

/** The process of an instance: a scrape for every message, in its thread. */
function runInstance(dir: string): void {
  const collector = new MultiprocessCollector({ dir, selfMetrics: false, threads: true, readOnly: true });
  process.on('message', async () => {
    const { body, giveBack } = await lentMetrics(collector, { format: 'text' })!;
    const digest = createHash('sha256').update(body).digest('hex');
    giveBack();
    process.send!({ cpuMs: 0, rssMb: rssMb(), digest } satisfies Scrape);
  });
}

async function scrape(child: ChildProcess): Promise<Scrape> {
  child.send('collect');
  return ((await once(child, 'message')) as [Scrape])[0];
}

function highestRssMb({ pid }: ChildProcess): number {
  return (Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) * 1024) / 1e6;
}

async function driveInstances(): Promise<void> {
  const dirs = [0, 1].map(() => mkdtempSync('/dev/shm/million-'));
  const writing = await writers(dirs[1], INSTANCE_SERIES);
  const rss: number[] = [];
  const digests: string[] = [];
  for (const dir of dirs) {
    const instances = Array.from({ length: INSTANCES }, () => fork(__filename, ['--instance', dir]));
    const last = await Promise.all(
      instances.map(async (instance) => {
        for (let round = 0; round < ROUNDS; round++) await scrape(instance);
        return scrape(instance);
      }),
    );
    rss.push(median(last.map(({ rssMb: mb }) => mb)));
    digests.push(...new Set(last.map(({ digest }) => digest)));
    for (const instance of instances) instance.kill();
    rmSync(dir, { recursive: true });
  }
  for (const child of writing) child.kill();
  assert.equal(digests.length, 2);
  const beyond = rss[1] - rss[0];
  console.log(
    `\n${INSTANCES} instances that serve ${FILES} × ${INSTANCE_SERIES.toLocaleString('en')} counters: ${beyond.toFixed(0)} MB each ` +
      `beyond one with an empty directory (at most ${WANTED_INSTANCE_MB} MB)`,
  );
  if (beyond > WANTED_INSTANCE_MB) process.exitCode = 1;
}

async function drive(): Promise<void> {
  const [dir, empty] = [0, 1].map(() => mkdtempSync('/dev/shm/million-'));
  const children: ChildProcess[] = [];
  const collector = (of: string): ChildProcess => {
    const child = fork(__filename, ['--collect', of]);
    children.push(child);
    return child;
  };
  try {
    const idle = collector(empty);
    await scrape(idle);
    const { rssMb: emptyMb } = await scrape(idle);
    const writing = await writers(dir, SERIES);
    children.push(...writing);
    const cold: number[] = [];
    const warm: number[] = [];
    const memory: number[] = [];
    const highest: number[] = [];
    let changes = 0;
    for (let process = 0; process < PROCESSES; process++) {
      const child = collector(dir);
      const first = await scrape(child);
      assert.equal(first.digest, expectedDigest(changes));
      cold.push(first.cpuMs);
      let last = first;
      for (let round = 0; round < ROUNDS; round++) {
        changes++;
        await changeAll(writing);
        last = await scrape(child);
        warm.push(last.cpuMs);
      }
      assert.equal(last.digest, expectedDigest(changes));
      memory.push(last.rssMb - emptyMb);
      highest.push(highestRssMb(child) - emptyMb);
      child.kill();
    }
    const of = { coldMs: median(cold), warmMs: median(warm), memoryMb: median(memory) };
    const row = (name: string, value: number, unit: string, wanted?: number): string[] => [
      ...[name, `${value.toFixed(0)} ${unit}`],
      ...(wanted === undefined ? [] : [`${wanted} ${unit}`, `${(value / wanted).toFixed(2)} ×`]),
    ];
    console.log(
      table(
        [`${SERIES.toLocaleString('en')} lines of ${FILES} files`, 'measured', 'at most', 'ratio'],
        [
          row('warm scrape, CPU', of.warmMs, 'ms', WANTED.warmMs),
          row('cold scrape, CPU', of.coldMs, 'ms', WANTED.coldMs),
          row('memory beyond an empty collector', of.memoryMb, 'MB', WANTED.memoryMb),
          row('at its highest', median(highest), 'MB'),
        ],
      ),
    );
    const isMissed = (Object.keys(WANTED) as (keyof typeof WANTED)[]).some((key) => of[key] > WANTED[key]);
    if (!QUICK && isMissed) process.exitCode = 1;
  } finally {
    for (const child of children) child.kill();
    for (const each of [dir, empty]) rmSync(each, { recursive: true });
  }
}

const [, , role, dir, ...rest] = process.argv;
if (role === '--collect') runCollector(dir);
else if (role === '--instance') runInstance(dir);
else if (role === '--write') runWriter(dir, Number(rest[0]), Number(rest[1]));
else void drive().then(driveInstances);
