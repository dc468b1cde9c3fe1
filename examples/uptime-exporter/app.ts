/**
 * An exporter of one gauge: how long this machine has been up.
 *
 *   node dist/examples/uptime-exporter/app.js        then http://127.0.0.1:9464/metrics
 *
 * Settings: PORT (0 for any), INTERVAL_SECONDS between two readings.
 */
import { hostname, uptime } from 'node:os';
import { Gauge, startHttpServer } from 'prom-multiproc';

const INTERVAL_SECONDS = Number(process.env.INTERVAL_SECONDS ?? 5);

const up = new Gauge({
  name: 'system_uptime_seconds',
  help: 'Time since the machine started.',
  labelNames: ['host'],
});

function read(): void {
  up.set({ host: hostname() }, uptime());
}

async function main(): Promise<void> {
  read();
  setInterval(read, INTERVAL_SECONDS * 1000);
  const server = await startHttpServer({ port: Number(process.env.PORT ?? 9464) });
  console.log(`serving on ${server.url}/metrics`);
  process.once('SIGTERM', () => void server.close().then(() => process.exit()));
}

void main();
