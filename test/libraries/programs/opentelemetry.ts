/**
 * Express with instrumentation libraries of OpenTelemetry as they are. LIBRARY has their paths. Each hit also makes a request
 * with undici, whose instrumentation counts it.
 */
import { join } from 'node:path';
import { context } from '@opentelemetry/api';

const paths = (process.env.LIBRARY ?? '').split(',');
const { registerInstrumentations } = require(join(paths[0], '..', 'instrumentation'));
const [
  { HttpInstrumentation },
  { UndiciInstrumentation },
  { RuntimeNodeInstrumentation },
  { HostMetrics },
  { ExpressInstrumentation },
  { AsyncLocalStorageContextManager },
] = paths.map((path) => require(path));
// the instrumentation of Express tells that of HTTP the route by the context
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
registerInstrumentations({
  instrumentations: [
    new HttpInstrumentation({ ignoreIncomingRequestHook: ({ url }: { url: string }) => url === '/metrics' }),
    new UndiciInstrumentation(),
    new RuntimeNodeInstrumentation({ monitoringPrecision: 100 }),
    new ExpressInstrumentation(),
  ],
});
new HostMetrics({ name: 'host' }).start();

export async function start(port: number): Promise<void> {
  // loaded after its instrumentation, and by `require`, which that hooks
  const express = require('express') as typeof import('express');
  const { register } = await import('prom-multiproc');
  const app = express();
  app.get('/hit', async (_request, response) => {
    await (await fetch(`http://127.0.0.1:${port}/inner`)).text();
    response.send('ok');
  });
  app.get('/inner', (_request, response) => void response.send('inner'));
  app.get('/metrics', async (_request, response) => void response.type('text/plain').send(await register.metrics()));
  return new Promise((resolve) => void app.listen(port, '127.0.0.1', () => resolve()));
}

// in a cluster of its own, as PM2 starts it
if (process.env.PORT !== undefined) void start(Number(process.env.PORT));
