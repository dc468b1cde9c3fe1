import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseExposition } from '../support/exposition-parser.js';
import { npmPackage } from '../support/npm-package.js';
import { startLibrary } from './library-cluster.js';

const LIBRARIES = {
  '@opentelemetry/instrumentation-http': '0.223.0',
  '@opentelemetry/instrumentation-undici': '0.33.0',
  '@opentelemetry/instrumentation-runtime-node': '0.36.1',
  '@opentelemetry/host-metrics': '0.39.0',
};
const REGISTER = join(__dirname, '..', '..', 'src', 'otel', 'register.js');

test('instrumentation libraries of OpenTelemetry, as they are: every request counts, before and after a SIGKILL', async (t) => {
  const paths: string[] = [];
  for (const [name, version] of Object.entries(LIBRARIES)) paths.push(await npmPackage(name, version));
  const cluster = await startLibrary(t, {
    ...{ app: 'opentelemetry', preload: false, imports: [REGISTER], library: paths.join(',') },
    counts: { name: 'http_server_request_duration_seconds_count', labels: { http_request_method: 'GET' } },
  });
  const [first, second] = cluster.workers;
  await cluster.hit(first, 3);
  await cluster.hit(second, 4);
  // each hit makes another request, to the same worker
  await cluster.assertCounted(first, 14);
  await cluster.assertCounted(second, 14);

  process.kill(first.pid, 'SIGKILL');
  await cluster.assertCounted(second, 14);
  await cluster.hit(second, 2);
  await cluster.assertCounted(second, 18);

  const { samples } = parseExposition(await cluster.scrape(second));
  const sum = (name: string): number =>
    samples.filter((sample) => sample.name === name).reduce((total, { value }) => total + value, 0);
  assert.equal(sum('http_client_request_duration_seconds_count'), 9);
  // the gauges are those of the living worker
  const utilization = samples.filter(({ name }) => name.startsWith('nodejs_eventloop_utilization'));
  assert.deepEqual(
    utilization.map(({ labels }) => labels.pid),
    [String(second.pid)],
  );
  assert.ok(sum('v8js_memory_heap_used_bytes') > 0);
  assert.ok(sum('process_cpu_time_seconds_total') > 0);
  assert.ok(sum('system_memory_usage') > 0);
});
