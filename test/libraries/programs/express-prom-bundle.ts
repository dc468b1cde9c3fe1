import express from 'express';
import promBundle from 'express-prom-bundle';

export function start(port: number): Promise<void> {
  const app = express();
  app.use(promBundle({ includeMethod: true, includePath: true, promClient: { collectDefaultMetrics: {} } }));
  app.get('/hit', (_request, response) => void response.send('ok'));
  return new Promise((resolve) => void app.listen(port, '127.0.0.1', () => resolve()));
}
