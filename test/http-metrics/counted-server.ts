/** Servers whose requests are counted into a registry of their own. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { type HttpMetrics, httpMetrics, type HttpMetricsOptions, Registry } from 'prom-multiproc';
import { afterTest } from '../support/after-test.js';

export async function onFreePort(server: Server): Promise<{ url: string; close(): Promise<void> }> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export function fresh(options: HttpMetricsOptions = {}): { registry: Registry<any>; metrics: HttpMetrics } {
  const registry = new Registry<any>(undefined, { multiprocess: false });
  return { registry, metrics: httpMetrics({ registers: [registry], ...options }) };
}

export async function onNodeHttp(
  t: TestContext,
  options: HttpMetricsOptions,
  listener: RequestListener = (_request, response) => void response.end('hello'),
): Promise<{ registry: Registry<any>; url: string }> {
  const { registry, metrics } = fresh(options);
  const server = createServer(listener);
  metrics.attach(server);
  const { url, close } = await onFreePort(server);
  afterTest(t, close);
  return { registry, url };
}

/** `http_requests_total` by its labels. A request is counted when its response is over, which its client may hear of first. */
export async function countsOf(registry: Registry<any>): Promise<Map<string, number>> {
  const text = await registry.metrics({ scope: 'process' });
  return new Map(
    [...text.matchAll(/^http_requests_total\{(.*)\} (\d+)$/gm)].map(([, labels, count]) => [labels, Number(count)]),
  );
}

/** `http_requests_in_progress` of all methods together. */
export async function inProgress(registry: Registry<any>): Promise<number> {
  const { values } = (await registry.getMetricsAsJSON({ scope: 'process' })).find(({ name }) =>
    name.endsWith('http_requests_in_progress'),
  )!;
  return values.reduce((sum, { value }) => sum + value, 0);
}
