import fastify from 'fastify';
import fastifyMetrics from 'fastify-metrics';

export async function start(port: number): Promise<void> {
  const app = fastify();
  await app.register(fastifyMetrics);
  app.get('/hit', () => 'ok');
  await app.listen({ port, host: '127.0.0.1' });
}
