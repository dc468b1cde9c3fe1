import fastify from 'fastify';
import fastifyMetrics from 'fastify-metrics-14';
import * as promClient from 'prom-multiproc';

export async function start(port: number): Promise<void> {
  const app = fastify();
  await app.register(fastifyMetrics, { promClient: promClient as never });
  app.get('/hit', () => 'ok');
  await app.listen({ port, host: '127.0.0.1' });
}
