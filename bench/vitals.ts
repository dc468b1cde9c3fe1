/**
 * The CPU time that a process spends on its metrics file while nothing scrapes it.
 *
 *   node dist/bench/vitals.js
 *
 * First the vitals, what a process measures of itself, in an idle process and in one that makes garbage: processes with and without
 * the meter take turns, and the benchmark compares their CPU time per second, the median over the turns.
 * Then all that a worker does on its timer, with 5,000 series of which each has counted since the last time: the beats of an hour,
 * with a turn of the event loop between two of them.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Counter } from '../src/instruments/counter.js';
import { maintainStore, prepareStore, storeDirectory } from '../src/storage/process-store.js';
import { SeriesStore } from '../src/storage/series-store.js';
import { VitalsMeter } from '../src/storage/vitals-meter.js';
import { median, table } from './report.js';

const TURNS = 5;
const TURN_MS = 10_000;
const BEAT_MS = 5000;
/** ms of CPU time per second: 0.1 % of a core. */
const MOST = 1;
const HOUR_MS = 3_600_000;
const SERIES = 5000;
/** Percent of a core that the beats of a worker may take. */
const MOST_PERCENT = 0.05;

async function drive(): Promise<void> {
  const rows: string[][] = [];
  for (const kind of ['idle', 'garbage']) {
    const took: Record<string, number[]> = { without: [], with: [] };
    for (let turn = 0; turn < TURNS; turn++) {
      for (const side of ['without', 'with']) {
        const [cpuMs] = (await once(fork(__filename, [kind, side]), 'message')) as [number];
        took[side].push(cpuMs / (TURN_MS / 1000));
      }
    }
    const [without, measured] = [median(took.without), median(took.with)];
    rows.push([kind, without.toFixed(2), measured.toFixed(2), (measured - without).toFixed(2)]);
    // the noise of a process that makes garbage is larger than the difference
    if (kind === 'idle') assert.ok(measured - without < MOST, `${measured - without} ms a second`);
  }
  console.log(table(['process', 'without, ms CPU a second', 'with vitals', 'added'], rows));
  const hours: number[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const dir = mkdtempSync(join(tmpdir(), 'beats-'));
    const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir };
    const [cpuMs] = (await once(fork(__filename, ['beats'], { env }), 'message')) as [number];
    hours.push(cpuMs);
    rmSync(dir, { recursive: true });
  }
  const percent = (median(hours) / HOUR_MS) * 100;
  const beats = (HOUR_MS / BEAT_MS).toFixed(0);
  console.log(
    `\n${beats} beats of a worker with ${SERIES} series: ${median(hours).toFixed(0)} ms of CPU an hour, ` +
      `${percent.toFixed(4)} % of a core (at most ${MOST_PERCENT} %)`,
  );
  assert.ok(percent <= MOST_PERCENT);
}

/** The beats of an hour in a worker. */
async function runBeats(): Promise<void> {
  const counter = new Counter({ name: 'requests_total', help: 'Requests', labelNames: ['path'] });
  const children = Array.from({ length: SERIES }, (_, at) => counter.labels(`/api/items/${at}`));
  for (const child of children) child.inc();
  await prepareStore();
  assert.ok(storeDirectory() !== undefined);
  let cpuUs = 0;
  for (let beat = 0; beat < HOUR_MS / BEAT_MS; beat++) {
    for (const child of children) child.inc();
    const before = process.cpuUsage();
    maintainStore();
    await prepareStore();
    const { user, system } = process.cpuUsage(before);
    cpuUs += user + system;
  }
  process.send!(cpuUs / 1000, () => process.exit());
}

function run(kind: string, side: string): void {
  const meter = side === 'with' ? new VitalsMeter(new SeriesStore()) : undefined;
  setInterval(() => meter?.measure(), BEAT_MS);
  let garbage: object[] = [];
  const litter = (): void => {
    for (let at = 0; at < 10_000; at++) garbage.push({ at });
    if (garbage.length > 100_000) garbage = [];
  };
  if (kind === 'garbage') setInterval(litter, 10);
  const before = process.cpuUsage();
  setTimeout(() => {
    const { user, system } = process.cpuUsage(before);
    process.send!((user + system) / 1000, () => process.exit());
  }, TURN_MS);
}

const [, , kind, side] = process.argv;
if (kind === undefined) void drive();
else if (kind === 'beats') void runBeats();
else run(kind, side);
