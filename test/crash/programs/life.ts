/**
 * One of many short lives: counts, and after every count records their number by a system call that a SIGKILL cannot undo.
 * So the true count is the recorded one, or one more. Beside it the program records the number at one flush before: a file
 * that is written on a timer has at least that many.
 */
import { openSync, writeSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { Counter, Gauge, Histogram } from 'prom-multiproc';

const counts = new Counter({ name: 'storm_counts_total', help: 'Counts.', labelNames: ['of'] });
const sizes = new Histogram({ name: 'storm_sizes', help: 'Sizes.', buckets: [1, 2, 3] });
const alive = new Gauge({ name: 'storm_alive', help: 'Living processes.', multiprocessMode: 'livesum' });
alive.set(1);

const [path, behindMs] = [process.argv[2], Number(process.argv[3])];
const ledger = openSync(path, 'w');
const child = counts.labels('all');

function writeDown(count: number, line: number): void {
  const text = `${String(count).padStart(11, '0')}\n`;
  writeSync(ledger, text, line * text.length);
}

async function live(): Promise<never> {
  const flushing: { count: number; at: number }[] = [];
  process.send!('ready');
  for (let count = 1; ; count++) {
    child.inc();
    sizes.observe(count % 4);
    // series come and go, so that kills happen at those steps too
    if (count % 50 === 0) counts.labels(`passing-${count % 7}`).inc();
    if (count % 75 === 0) counts.remove(`passing-${count % 7}`);
    writeDown(count, 0);
    if (behindMs === 0 || count % 100 !== 0) continue;
    await turn();
    flushing.push({ count, at: performance.now() });
    while (performance.now() - flushing[0].at > behindMs) writeDown(flushing.shift()!.count, 1);
  }
}

void live();
