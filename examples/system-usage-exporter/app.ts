/**
 * An exporter of what the machine's CPU and memory are used to, as one gauge with the resource as its label.
 *
 *   node dist/examples/system-usage-exporter/app.js
 */
import { currentLoad, mem } from 'systeminformation';
import { Gauge, startHttpServer } from 'prom-multiproc';

const INTERVAL_SECONDS = Number(process.env.INTERVAL_SECONDS ?? 5);

const usage = new Gauge({
  name: 'system_usage_ratio',
  help: 'Share of a resource of the machine that is in use, from 0 to 1.',
  labelNames: ['resource_type'],
});

async function read(): Promise<void> {
  const [load, memory] = await Promise.all([currentLoad(), mem()]);
  usage.set({ resource_type: 'cpu' }, load.currentLoad / 100);
  usage.set({ resource_type: 'memory' }, memory.active / memory.total);
}

async function main(): Promise<void> {
  await read();
  setInterval(() => {
    read().catch((error: unknown) => console.error(`reading failed: ${String(error)}`));
  }, INTERVAL_SECONDS * 1000);
  const server = await startHttpServer({ port: Number(process.env.PORT ?? 9464) });
  console.log(`serving on ${server.url}/metrics`);
  process.once('SIGTERM', () => void server.close().then(() => process.exit()));
}

void main();
