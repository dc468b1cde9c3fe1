/**
 * The variant for a batch job that ends: it works its list off with a pool of threads, and pushes the merged metrics of
 * all to a Pushgateway at its end, for nobody would be there to scrape.
 *
 *   GATEWAY=http://127.0.0.1:9091 node dist/examples/background-workers/batch.js
 */
import { join } from 'node:path';
import { Piscina } from 'piscina';
import { Pushgateway } from 'prom-multiproc';
import { counted } from './tasks.js';

async function main(): Promise<void> {
  const pool = new Piscina({ filename: join(__dirname, 'report-thread.js'), maxThreads: 2 });
  await counted('batch', async () => {
    await Promise.all(Array.from({ length: 20 }, () => pool.run({ rows: 1000 })));
  });
  const gateway = new Pushgateway(process.env.GATEWAY ?? 'http://127.0.0.1:9091');
  await gateway.push({ jobName: 'nightly_reports' });
  await pool.destroy();
}

void main();
