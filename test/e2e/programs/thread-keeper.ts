/**
 * An application that starts worker threads, counts in each, and ends them in the way that argv names. Prints what is left
 * of them in the process, and their counts.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Counter, Gauge, Histogram, register } from 'prom-multiproc';

const jobs = new Counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] });
const inflight = new Gauge({ name: 'inflight', help: 'Jobs under way' });
const seconds = new Histogram({ name: 'job_seconds', help: 'Seconds', labelNames: ['kind'] });

export interface Outcome {
  readonly started: number;
  /** The counts that the threads have recorded: a terminated thread may have counted one more. */
  readonly counted: number;
  /** The merged sum of the counters of the threads. */
  readonly jobs: number;
  readonly inflight: number | undefined;
  /** Lines of /proc/self/maps, after a warm-up and at the end. */
  readonly mappings: readonly [number, number];
  readonly rssBytes: readonly [number, number];
}

/** Shared with the threads. */
const counted = isMainThread ? new Int32Array(new SharedArrayBuffer(4)) : (workerData as Int32Array);

async function keepThreads(wanted: number, how: 'ends' | 'is terminated'): Promise<Outcome> {
  const run = async (): Promise<void> => {
    const thread = new Worker(__filename, { argv: [how], workerData: counted });
    const ended = new Promise((resolve) => thread.once('exit', resolve));
    thread.on('error', (error) => console.error(error));
    if (how === 'is terminated') {
      // in the middle of its start, or while it counts
      const isYoung = Math.random() < 0.3;
      await new Promise((resolve) => thread.once(isYoung ? 'online' : 'message', resolve));
      await delay(Math.random() * (isYoung ? 150 : 25));
      await thread.terminate();
    }
    await ended;
  };
  const inParallel = async (count: number): Promise<void> => {
    let left = count;
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        while (left-- > 0) await run();
      }),
    );
  };
  const warmUp = Math.ceil(wanted / 2);
  await inParallel(warmUp);
  const before = measure();
  await inParallel(wanted - warmUp);
  const after = measure();
  const text = await register.metrics();
  const values = [...text.matchAll(/^jobs_total\{.*\} (.*)$/gm)].map(([, value]) => Number(value));
  return {
    started: wanted,
    counted: counted[0],
    jobs: values.reduce((sum, value) => sum + value, 0),
    inflight: Number(/^inflight (.*)$/m.exec(text)?.[1] ?? Number.NaN),
    mappings: [before.mappings, after.mappings],
    rssBytes: [before.rssBytes, after.rssBytes],
  };
}

function measure(): { mappings: number; rssBytes: number } {
  globalThis.gc?.();
  return {
    mappings: readFileSync('/proc/self/maps', 'latin1').split('\n').length,
    rssBytes: process.memoryUsage().rss,
  };
}

if (isMainThread) {
  inflight.set(0);
  const [wanted, how] = process.argv.slice(2);
  void keepThreads(Number(wanted), how as 'ends' | 'is terminated').then((outcome) => {
    process.send?.(outcome);
    process.disconnect?.();
    process.exitCode = 0;
  });
} else {
  parentPort!.postMessage('counts');
  inflight.inc();
  const isTerminated = process.argv[2] === 'is terminated';
  // a thread that is terminated creates series until then
  for (let at = 0; at < 50 || isTerminated; at++) {
    const kind = at % 5000;
    jobs.inc({ kind });
    Atomics.add(counted, 0, 1);
    seconds.observe({ kind }, 1);
    if (isTerminated && at % 100 === 99) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}
