import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExposition } from '../support/exposition-parser.js';
import { startLibrary } from './library-cluster.js';
import { openTelemetryLibraries, OTEL_REGISTER, sumOf } from './opentelemetry-libraries.js';

test('instrumentation libraries of OpenTelemetry, as they are: every request counts, before and after a SIGKILL', async (t) => {
  const cluster = await startLibrary(t, {
    ...{ app: 'opentelemetry', preload: false, imports: [OTEL_REGISTER], library: await openTelemetryLibraries() },
    counts: { name: 'http_server_request_duration_seconds_count', labels: { http_route: '/hit' } },
  });
  const second = await cluster.assertKilledCounts();
  await cluster.hitAndSee(second, 2);
  await cluster.assertCounted(second, 9);

  const text = await cluster.scrape(second);
  // each hit makes another request, to the same worker
  assert.equal(sumOf(text, 'http_client_request_duration_seconds_count'), 9);
  assert.equal(sumOf(text, 'http_server_request_duration_seconds_count'), 18);
  // the gauges are those of the living worker
  const utilization = parseExposition(text).samples.filter(({ name }) =>
    name.startsWith('nodejs_eventloop_utilization'),
  );
  assert.deepEqual(
    utilization.map(({ labels }) => labels.pid),
    [String(second.pid)],
  );
  assert.ok(sumOf(text, 'v8js_memory_heap_used_bytes') > 0);
  assert.ok(sumOf(text, 'process_cpu_time_seconds_total') > 0);
  assert.ok(sumOf(text, 'system_memory_usage') > 0);
});
