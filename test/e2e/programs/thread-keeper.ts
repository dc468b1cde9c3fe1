/**
 * An application that starts worker threads, counts in each, and ends them in the way that argv names: by itself, as the
 * primary of a cluster, or as an instance under PM2. It reports how much of them is left in the process, and their counts.
 */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { Counter, Gauge, Histogram, register, setupPrimary } from 'prom-multiproc';

const jobs = new Counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] });
const inflight = new Gauge({ name: 'inflight', help: 'Jobs under way' });
const seconds = new Histogram({ name: 'job_seconds', help: 'Seconds', labelNames: ['kind'] });

/** How threads end: by themselves, or at a random moment, also those of Piscina's default pools. */
export type Ending = 'end' | 'are terminated' | 'are those of pools that are destroyed';

/** One process and its threads. */
export interface Kept {
  readonly started: number;
  /** The counts that the threads have recorded: a terminated thread may have counted one more. */
  readonly counted: number;
  /** Lines of /proc/self/maps, after a warm-up and at the end. */
  readonly mappings: readonly [number, number];
  readonly rssBytes: readonly [number, number];
}

export interface Outcome {
  readonly kept: readonly Kept[];
  /** The merged sum of the counters of all threads. */
  readonly jobs: number;
  readonly inflight: number | undefined;
}

/** Shared with the threads. */
const counted = isMainThread ? new Int32Array(new SharedArrayBuffer(4)) : (workerData as Int32Array);

/** The first thread lives until it has counted. */
const hasCounted = (): boolean => Atomics.load(counted, 0) > 0;

/** Runs one thread, and returns 1. */
async function keepThread(ending: Ending): Promise<number> {
  const thread = new Worker(__filename, { argv: [ending], workerData: counted });
  const ended = new Promise((resolve) => thread.once('exit', resolve));
  thread.on('error', (error) => console.error(error));
  if (ending === 'are terminated') {
    // in the middle of its start, or while it counts
    const isYoung = hasCounted() && Math.random() < 0.3;
    await new Promise((resolve) => thread.once(isYoung ? 'online' : 'message', resolve));
    while (!hasCounted()) await delay(1);
    await delay(Math.random() * (isYoung ? 150 : 25));
    await thread.terminate();
  }
  await ended;
  return 1;
}

/** Runs a pool until a random moment of its tasks, and returns the number of threads that it has started. */
async function keepPool(): Promise<number> {
  let started = 0;
  const running = new Set<Worker>();
  const onWorker = (thread: Worker): void => {
    started++;
    running.add(thread);
    thread.once('exit', () => running.delete(thread));
  };
  process.on('worker', onWorker);
  const pool = new Piscina({ filename: join(__dirname, 'keeper-task.js'), workerData: counted });
  const tasks = Array.from({ length: 3 * pool.maxThreads }, () => pool.run(undefined));
  const all = Promise.allSettled(tasks);
  // half of the pools when every task has ended, so that their threads are idle
  if (!hasCounted() || Math.random() < 0.5) await all;
  else await delay(50 + Math.random() * 250);
  // where a thread exits that piscina has ended before, a destroyed pool starts its minThreads again (5.3.2)
  do {
    await pool.destroy();
    await delay(1);
  } while (running.size > 0);
  await all;
  process.off('worker', onWorker);
  return started;
}

async function keepThreads(wanted: number, ending: Ending): Promise<Kept> {
  const inPool = ending === 'are those of pools that are destroyed';
  let started = 0;
  const until = async (count: number): Promise<void> => {
    const lane = async (): Promise<void> => {
      while (started < count) {
        if (inPool) {
          started += await keepPool();
        } else {
          started++;
          await keepThread(ending);
        }
      }
    };
    await Promise.all(Array.from({ length: inPool ? 1 : 4 }, lane));
  };
  await until(Math.ceil(wanted / 2));
  const before = measure();
  await until(wanted);
  const after = measure();
  return {
    started,
    counted: counted[0],
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

async function outcomeOf(kept: readonly Kept[]): Promise<Outcome> {
  const text = await register.metrics();
  const values = [...text.matchAll(/^jobs_total\{.*\} (.*)$/gm)].map(([, value]) => Number(value));
  return {
    kept,
    jobs: values.reduce((sum, value) => sum + value, 0),
    inflight: Number(/^inflight (.*)$/m.exec(text)?.[1] ?? Number.NaN),
  };
}

/** Has two workers keep the threads. */
async function keepCluster(): Promise<Kept[]> {
  setupPrimary();
  return Promise.all(
    [1, 2].map(async () => {
      const worker = cluster.fork();
      const [[kept], [code, signal]] = (await Promise.all([once(worker, 'message'), once(worker, 'exit')])) as [
        [Kept],
        [number, string | null],
      ];
      if (code !== 0) throw new Error(`a worker ended with ${signal ?? code}`);
      return kept;
    }),
  );
}

async function main(wanted: number, ending: Ending, where: string | undefined): Promise<void> {
  inflight.set(0);
  if (where === 'cluster' && cluster.isPrimary) {
    process.send?.(await outcomeOf(await keepCluster()));
  } else if (where === 'cluster') {
    process.send?.(await keepThreads(Math.ceil(wanted / 2), ending));
  } else if (where === undefined) {
    process.send?.(await outcomeOf([await keepThreads(wanted, ending)]));
  } else {
    // under PM2: a directory for the results; the instance stays, by its connection to the daemon
    const kept = JSON.stringify(await keepThreads(wanted, ending));
    writeFileSync(join(where, `.${process.pid}`), kept);
    renameSync(join(where, `.${process.pid}`), join(where, `${process.pid}.json`));
    setInterval(() => {}, 60_000);
    return;
  }
  process.disconnect?.();
}

if (isMainThread) {
  const [wanted, ending, where] = process.env.KEEP_THREADS?.split(',') ?? process.argv.slice(2);
  void main(Number(wanted), ending as Ending, where);
} else {
  parentPort!.postMessage('counts');
  inflight.inc();
  const isTerminated = process.argv[2] === 'are terminated';
  // a thread that is terminated creates series until then
  for (let at = 0; at < 50 || isTerminated; at++) {
    const kind = at % 5000;
    jobs.inc({ kind });
    Atomics.add(counted, 0, 1);
    seconds.observe({ kind }, 1);
    if (isTerminated && at % 100 === 99) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  }
}
