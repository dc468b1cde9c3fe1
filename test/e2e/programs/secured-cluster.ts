/** A cluster that serves over TLS with passwords; its workers count on a timer, and are forked again when they die. */
import cluster from 'node:cluster';
import { Counter, Histogram, setupPrimary, startHttpServer } from 'prom-multiproc';

async function primary(): Promise<void> {
  setupPrimary();
  for (let count = 0; count < 3; count++) cluster.fork();
  cluster.on('exit', () => cluster.fork());
  const server = await startHttpServer({ port: 0, webConfigFile: process.env.WEB_CONFIG });
  console.log(`primary on ${server.url}`);
}

function worker(): void {
  const ticks = new Counter({ name: 'ticks_total', help: 'Ticks.' });
  const seconds = new Histogram({ name: 'tick_seconds', help: 'Durations.', buckets: [0.1, 0.2, 0.4, 0.8] });
  console.log(`worker ${process.pid}`);
  setInterval(() => {
    ticks.inc();
    seconds.observe(0.3);
  }, 10);
}

if (cluster.isPrimary) void primary();
else worker();
