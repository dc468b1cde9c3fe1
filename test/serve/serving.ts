import type { TestContext } from 'node:test';
import { startHttpServer, type HttpServerOptions, type RunningServer } from '../../src/serve/listen/http-server.js';
import { afterTest } from '../support/after-test.js';
import { collectorOf } from '../support/collector.js';
import { fixedSource } from '../support/fixed-source.js';

export type Serving = RunningServer & {
  readonly port: number;
  /** What the operator was told so far. */
  readonly warnings: string[];
};

/** A server of this package on a free port, closed after the test. */
export async function serving(t: TestContext, options: Partial<HttpServerOptions> = {}): Promise<Serving> {
  const warnings: string[] = [];
  const server = await startHttpServer({
    ...(options.socketPath === undefined && { port: 0 }),
    source: fixedSource('up 1\n'),
    closeTimeoutMs: 100,
    onWarning: (message) => warnings.push(message),
    ...options,
  });
  afterTest(t, () => server.close());
  const port = typeof server.address === 'string' ? NaN : server.address.port;
  return { ...server, port, warnings };
}

/** A server of the metrics in a directory, closed after the test with its collector. */
export async function servingDirectory(
  t: TestContext,
  dir: string,
  options: Partial<HttpServerOptions> = {},
): Promise<Serving> {
  const collector = collectorOf(t, dir);
  return serving(t, { source: collector, ...options });
}
