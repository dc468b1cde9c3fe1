/**
 * The CPU time that the vitals of a process cost: what it measures of itself for its metrics file, in an idle process and in one
 * that makes garbage.
 *
 *   node dist/bench/vitals.js
 *
 * Processes with and without the meter take turns. The benchmark compares their CPU time per second, the median over the turns.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { MemoryBacking } from '../src/storage/memory-backing.js';
import { SeriesStore } from '../src/storage/series-store.js';
import { VitalsMeter } from '../src/storage/vitals-meter.js';
import { median, table } from './report.js';

const TURNS = 5;
const TURN_MS = 10_000;
const BEAT_MS = 5000;
/** ms of CPU time per second: 0.1 % of a core. */
const MOST = 1;

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
}

function run(kind: string, side: string): void {
  const meter = side === 'with' ? new VitalsMeter(new SeriesStore(new MemoryBacking())) : undefined;
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
else run(kind, side);
