import { serve } from '@hono/node-server';
import { prometheus } from '@hono/prometheus';
import { Hono } from 'hono';

export function start(port: number): Promise<void> {
  return startHono(port, { collectDefaultMetrics: true });
}

export function startHono(port: number, options: Parameters<typeof prometheus>[0]): Promise<void> {
  const { printMetrics, registerMetrics } = prometheus(options);
  const app = new Hono();
  app.use('*', registerMetrics);
  app.get('/metrics', printMetrics);
  app.get('/hit', (context) => context.text('ok'));
  return new Promise((resolve) => void serve({ fetch: app.fetch, port, hostname: '127.0.0.1' }, () => resolve()));
}
