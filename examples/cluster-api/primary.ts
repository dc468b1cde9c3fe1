/**
 * A clustered HTTP API with one merged /metrics, on Express or on Fastify.
 *
 *   node dist/examples/cluster-api/primary.js [express|fastify]
 *
 * Settings: PORT of the API (default 8080), METRICS_PORT (default 9464), WORKERS (default 2).
 */
import cluster from 'node:cluster';
import { join } from 'node:path';
import { markProcessDead, setupPrimary, startHttpServer } from 'prom-multiproc';

const framework = process.argv[2] === 'fastify' ? 'fastify' : 'express';
const PORT = process.env.PORT ?? '8080';

async function main(): Promise<void> {
  // what a run before this one counted is not wanted any more
  const { dir } = setupPrimary({ clean: true });
  cluster.setupPrimary({ exec: join(__dirname, `${framework}-worker.js`) });
  for (let worker = 0; worker < Number(process.env.WORKERS ?? 2); worker++) cluster.fork({ PORT });
  cluster.on('exit', (worker) => {
    // setupPrimary() does this too; here is what it looks like in a hook of your own
    const { marked } = markProcessDead(worker.process.pid!, { dir });
    console.log(`worker ${worker.process.pid} is gone: ${marked} file of it counts on`);
    if (!worker.exitedAfterDisconnect) cluster.fork({ PORT });
  });
  const server = await startHttpServer({ port: Number(process.env.METRICS_PORT ?? 9464) });
  console.log(`${framework} on http://127.0.0.1:${PORT}, metrics on ${server.url}/metrics`);
  process.once('SIGTERM', () => {
    void server.close();
    cluster.disconnect();
  });
}

void main();
