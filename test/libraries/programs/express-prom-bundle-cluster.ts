import express from 'express';
import promBundle from 'express-prom-bundle';

/** The library's own cluster mode, which asks an AggregatorRegistry. */
export function start(port: number): Promise<void> {
  const app = express();
  app.use(promBundle({ includeMethod: true, includePath: true, autoregister: false }));
  app.get('/hit', (_request, response) => void response.send('ok'));
  app.use('/metrics', promBundle.clusterMetrics());
  return new Promise((resolve) => void app.listen(port, '127.0.0.1', () => resolve()));
}
