/** The task of a pool in thread-keeper.ts: it counts for some milliseconds, and records each count. */
import { workerData } from 'piscina';
import { Counter, Gauge } from 'prom-multiproc';

const jobs = new Counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] });
const inflight = new Gauge({ name: 'inflight', help: 'Jobs under way' });
const counted = workerData as Int32Array;

function count(): void {
  inflight.inc();
  for (let kind = 0; kind < 500; kind++) {
    jobs.inc({ kind });
    Atomics.add(counted, 0, 1);
    if (kind % 100 === 99) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}

export = count;
