/**
 * Workers have metrics in two registries with different default labels, and registries that are merged from these. They
 * choose one of them for clusterMetrics(), or show each.
 */
import { client, samplesOf } from './client.js';
import { answer, isHelper, startHelper } from './helpers.js';

const choice = process.argv[3];
const { register } = client;
const admin = new client.Registry();
const aggregator = new client.AggregatorRegistry();

/** Returns the registries that are shown one by one. */
function count(): Record<string, InstanceType<typeof client.Registry>> {
  register.setDefaultLabels({ service: 'shop', worker: process.env.NAME! });
  admin.setDefaultLabels({ part: 'admin' });
  const registers = [register, admin];
  new client.Counter({ name: 'both_total', help: 'B.', labelNames: ['kind'], registers }).inc({ kind: 'x' }, 5);
  new client.Histogram({ name: 'wait', help: 'W.', buckets: [1], registers }).observe(2);
  new client.Gauge({ name: 'load', help: 'L.', labelNames: ['part'], registers }).set({ part: 'own' }, 1);
  new client.Counter({ name: 'alone_total', help: 'A.' }).inc();
  const merged = client.Registry.merge([register, admin]);
  merged.setDefaultLabels({ via: 'merged' });
  if (choice === 'merged') client.AggregatorRegistry.setRegistries([merged]);
  if (choice === 'admin') client.AggregatorRegistry.setRegistries(admin);
  return { admin, merged, bare: client.Registry.merge([merged, admin]) };
}

if (isHelper) {
  const registries = count();
  answer(async (name) => (name in registries ? samplesOf(await registries[name].metrics(), /^wait_[cs]/) : undefined));
} else {
  void (async () => {
    const helpers = [await startHelper({ NAME: 'a' }), await startHelper({ NAME: 'b' })];
    if (choice === 'none') {
      for (const name of ['admin', 'merged', 'bare']) {
        for (const line of await helpers[0].ask(name)) console.log(`${name}: ${line}`);
      }
    } else {
      const text = await aggregator.clusterMetrics();
      for (const line of samplesOf(text, /^(both_total|wait_[cs]|load|alone)/)) console.log(line);
    }
    for (const helper of helpers) helper.end();
  })();
}
