/**
 * One life of the storm: counts, and after every count writes down how many there were, by a system call that a SIGKILL
 * cannot take back. So what it counted is what it wrote, or one more.
 */
import { openSync, writeSync } from 'node:fs';
import { Counter, Gauge, Histogram } from 'prom-multiproc';

const counts = new Counter({ name: 'storm_counts_total', help: 'Counts.', labelNames: ['of'] });
const sizes = new Histogram({ name: 'storm_sizes', help: 'Sizes.', buckets: [1, 2, 3] });
const alive = new Gauge({ name: 'storm_alive', help: 'Living processes.', multiprocessMode: 'livesum' });
alive.set(1);

const ledger = openSync(process.argv[2], 'w');
const line = Buffer.alloc(12);
const child = counts.labels('all');
process.send!('ready');
for (let count = 1; ; count++) {
  child.inc();
  sizes.observe(count % 4);
  // series come and go, so that kills fall on those steps too
  if (count % 50 === 0) counts.labels(`passing-${count % 7}`).inc();
  if (count % 75 === 0) counts.remove(`passing-${count % 7}`);
  line.write(String(count).padStart(11, '0') + '\n');
  writeSync(ledger, line, 0, line.length, 0);
}
