/** Cluster workers, or threads, hand over getMetricsAsJSON(), and the one that started them aggregates: as pm2 modules do. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { client, samplesOf } from './client.js';

interface Helper {
  ask(): Promise<object[]>;
  end(): void;
}

const jobs = new client.Counter({ name: 'jobs_total', help: 'Jobs.', labelNames: ['kind'] });
const busy = new client.Gauge({ name: 'busy', help: 'Busy.', aggregator: 'max' });
const load = new client.Gauge({ name: 'load', help: 'Load.', aggregator: 'average' });
const seconds = new client.Histogram({ name: 'job_seconds', help: 'Seconds.', buckets: [1, 5] });

async function forked(): Promise<Helper> {
  const worker = cluster.fork();
  await once(worker, 'message');
  return {
    async ask() {
      worker.send('ask');
      const [objects] = (await once(worker, 'message')) as [object[]];
      return objects;
    },
    end: () => worker.kill(),
  };
}

async function threaded(): Promise<Helper> {
  const thread = new Worker(__filename);
  await once(thread, 'message');
  return {
    async ask() {
      thread.postMessage('ask');
      const [objects] = (await once(thread, 'message')) as [object[]];
      return objects;
    },
    end: () => void thread.terminate(),
  };
}

async function aggregate(start: () => Promise<Helper>): Promise<void> {
  const helpers = await Promise.all([start(), start(), start()]);
  const objects = await Promise.all(helpers.map((helper) => helper.ask()));
  const text = await client.AggregatorRegistry.aggregate(objects).metrics();
  for (const line of samplesOf(text, /./)) console.log(line);
  for (const helper of helpers) helper.end();
}

if (isMainThread && cluster.isPrimary) {
  void aggregate(process.argv[2] === 'threads' ? threaded : forked);
} else {
  const say = (message: unknown): void => {
    if (isMainThread) process.send!(message);
    else parentPort!.postMessage(message);
  };
  jobs.inc({ kind: 'a' }, 10);
  busy.set(7);
  load.set(7);
  seconds.observe(2);
  (isMainThread ? process : parentPort!).on('message', async () => say(await client.register.getMetricsAsJSON()));
  say('ready');
}
