/**
 * A worker process on a BullMQ queue. Start as many as you like:
 *
 *   PROMETHEUS_MULTIPROC_DIR=/dev/shm/jobs REDIS_PORT=6379 node dist/examples/background-workers/worker.js
 *
 * and one sidecar that serves for all: PROMETHEUS_MULTIPROC_DIR=/dev/shm/jobs prom-multiproc serve
 *
 * Jobs: { name: 'mail' | 'report' | 'fails-once', data: {} }. Reports are computed in a piscina pool, whose threads count
 * for themselves.
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Job, Worker } from 'bullmq';
import { Piscina } from 'piscina';
import { counted } from './tasks.js';

const pool = new Piscina({ filename: join(__dirname, 'report-thread.js'), maxThreads: 2 });

async function work(job: Job): Promise<unknown> {
  switch (job.name) {
    case 'mail':
      return counted('mail', () => sleep(5));
    case 'report':
      return pool.run({ rows: 1000 });
    case 'fails-once':
      return counted('fails-once', async () => {
        // attemptsMade counts the attempts before this one; BullMQ tries again as the job's `attempts` says
        if (job.attemptsMade === 0) throw new Error('the first attempt fails');
      });
    case 'hangs':
      console.log('hanging');
      return counted('hangs', () => sleep(60_000));
    default:
      throw new Error(`no such task: ${job.name}`);
  }
}

const worker = new Worker('tasks', work, {
  connection: { host: '127.0.0.1', port: Number(process.env.REDIS_PORT ?? 6379), maxRetriesPerRequest: null },
  concurrency: 4,
  // a job of a worker that was killed is another's after this long
  lockDuration: Number(process.env.LOCK_MS ?? 30_000),
  stalledInterval: Number(process.env.LOCK_MS ?? 30_000),
});
worker.on('ready', () => console.log('ready'));
// a failed job is counted; here is where it would be logged
worker.on('failed', () => {});
process.once('SIGTERM', () => {
  void worker.close().then(() => pool.destroy());
});
