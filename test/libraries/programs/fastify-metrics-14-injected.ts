import fastify, { type FastifyPluginCallback } from 'fastify';
import * as promClient from 'prom-multiproc';

const fastifyMetrics = (require(process.env.LIBRARY!) as { default: FastifyPluginCallback<{ promClient?: unknown }> })
  .default;

export async function start(port: number): Promise<void> {
  const app = fastify();
  await app.register(fastifyMetrics, { promClient });
  app.get('/hit', () => 'ok');
  await app.listen({ port, host: '127.0.0.1' });
}
