/** Cluster workers, or threads, hand over getMetricsAsJSON(), and the one that started them aggregates: as pm2 modules do. */
import { client, samplesOf } from './client.js';
import { answer, isHelper, startHelper } from './helpers.js';

const jobs = new client.Counter({ name: 'jobs_total', help: 'Jobs.', labelNames: ['kind'] });
const busy = new client.Gauge({ name: 'busy', help: 'Busy.', aggregator: 'max' });
const load = new client.Gauge({ name: 'load', help: 'Load.', aggregator: 'average' });
const seconds = new client.Histogram({ name: 'job_seconds', help: 'Seconds.', buckets: [1, 5] });

async function aggregate(): Promise<void> {
  const helpers = await Promise.all([startHelper(), startHelper(), startHelper()]);
  const objects = (await Promise.all(helpers.map((helper) => helper.ask()))) as object[];
  const text = await client.AggregatorRegistry.aggregate(objects).metrics();
  for (const line of samplesOf(text, /./)) console.log(line);
  for (const helper of helpers) helper.end();
}

if (isHelper) {
  jobs.inc({ kind: 'a' }, 10);
  busy.set(7);
  load.set(7);
  seconds.observe(2);
  answer(() => client.register.getMetricsAsJSON());
} else {
  void aggregate();
}
