/**
 * A primary serves clusterMetrics() and a registry of its own, one behind the other, as was publicly advised. `default`: the
 * default registry in primary and workers; else one that has no name.
 */
import { client, samplesOf } from './client.js';
import { answer, isHelper, startHelper } from './helpers.js';

const isDefault = process.argv[3] === 'default';
const registry = isDefault ? client.register : new client.Registry();
const aggregator = new client.AggregatorRegistry();

async function serve(): Promise<void> {
  const helpers = await Promise.all([startHelper(), startHelper()]);
  new client.Gauge({ name: 'primary_workers', help: 'W.', registers: [registry] }).set(helpers.length);
  // a name that both have
  new client.Counter({ name: 'ticks_total', help: 'T.', registers: [registry] }).inc(100);
  const [workers, own] = [await aggregator.clusterMetrics(), await registry.metrics()];
  for (const line of samplesOf(workers, /^(primary|worker|ticks)_/)) console.log(`workers: ${line}`);
  for (const line of samplesOf(own, /^(primary|worker|ticks)_/)) console.log(`primary: ${line}`);
  for (const helper of helpers) helper.end();
}

if (isHelper) {
  if (!isDefault) client.AggregatorRegistry.setRegistries(registry);
  new client.Counter({ name: 'worker_requests_total', help: 'R.', registers: [registry] }).inc(5);
  new client.Counter({ name: 'ticks_total', help: 'T.', registers: [registry] }).inc(1);
  answer(() => undefined);
} else {
  void serve();
}
