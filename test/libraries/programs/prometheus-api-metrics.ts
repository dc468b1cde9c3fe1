import express from 'express';
import apiMetrics from 'prometheus-api-metrics';

export function start(port: number): Promise<void> {
  const app = express();
  app.use(apiMetrics());
  app.get('/hit', (_request, response) => void response.send('ok'));
  return new Promise((resolve) => void app.listen(port, '127.0.0.1', () => resolve()));
}
