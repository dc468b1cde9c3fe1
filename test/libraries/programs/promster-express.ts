import express from 'express';
import { createMiddleware, getContentType, getSummary } from '@promster/express';

export function start(port: number): Promise<void> {
  const app = express();
  app.use(createMiddleware({ app }));
  app.get('/hit', (_request, response) => void response.send('ok'));
  app.get('/metrics', async (_request, response) => {
    response.setHeader('content-type', getContentType());
    response.end(await getSummary());
  });
  return new Promise((resolve) => void app.listen(port, '127.0.0.1', () => resolve()));
}
