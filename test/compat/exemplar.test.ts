import { describe } from 'node:test';
import type { Registry } from 'prom-client';
import { type Client, sameAsPromClient } from './script.js';

/** Options of a metric with exemplars, in a registry of its own. */
function withExemplars(client: Client): { labelNames: 'method'[]; enableExemplars: true; registers: [Registry] } {
  const registry = new client.Registry();
  registry.setContentType(client.openMetricsContentType as never);
  return { labelNames: ['method'], enableExemplars: true, registers: [registry] };
}

describe('Exemplars, as in prom-client', () => {
  sameAsPromClient('are shown on a counter', async ({ client, record, attempt, wait }) => {
    const options = withExemplars(client);
    const [registry] = options.registers;
    const counter = new client.Counter({ name: 'jobs_total', help: 'Jobs.', ...options });
    counter.inc({ labels: { method: 'GET' }, value: 2, exemplarLabels: { trace_id: 'abc', user: 5 } as never });
    counter.inc({ labels: { method: 'PUT' } });
    record(await counter.get());
    wait(1.5);
    counter.inc({ labels: { method: 'GET' }, exemplarLabels: { trace_id: 'def' } as never });
    counter.inc({ labels: { method: 'GET' } });
    record(await counter.get());
    const long = { trace_id: 'x'.repeat(120) } as never;
    await attempt(() => counter.inc({ labels: { method: 'GET' }, exemplarLabels: long }));
    await attempt(() => counter.inc({ labels: { route: 'GET' } as never, exemplarLabels: {} }));
    await attempt(() => counter.inc({ labels: { method: 'GET' }, value: -1 }));
    record(await counter.get());
    // at the end, because prom-client renames the counter when it renders this
    record(await registry.metrics());
  });

  sameAsPromClient('are shown on buckets', async ({ client, record, attempt, wait }) => {
    const options = withExemplars(client);
    const [registry] = options.registers;
    const histogram = new client.Histogram({ name: 'took_seconds', help: 'Took.', buckets: [0.1, 1], ...options });
    const labels = { method: 'GET' };
    histogram.observe({ labels, value: 0.05, exemplarLabels: { trace_id: 'a' } as never });
    histogram.observe({ labels, value: 0.5 });
    wait(1);
    histogram.observe({ labels, value: 0.06, exemplarLabels: { trace_id: 'b' } as never });
    histogram.observe({ labels, value: 50, exemplarLabels: { trace_id: 'c' } as never });
    histogram.observe({ labels, value: 0.7, exemplarLabels: {} });
    const end = histogram.startTimer(labels, { trace_id: 'd' } as never);
    wait(0.4);
    record(end({}, { span: 'e' } as never));
    record(await registry.metrics());
    record(await histogram.get());
    await attempt(() => histogram.observe({ labels, value: 1, exemplarLabels: { t: 'x'.repeat(128) } as never }));
    await attempt(() => histogram.observe({ labels, value: NaN }));
    await attempt(() => histogram.observe({ labels: { route: 'x' } as never, value: 1 }));
    record(await registry.metrics());
  });
});
