/** Scrapes itself twice, in a thread if one is available, and prints the result. */
import { Counter, MultiprocessCollector } from 'prom-multiproc';

async function main(): Promise<void> {
  const scrapes = new Counter({ name: 'scrapes_total', help: 'Scrapes.' });
  const collector = new MultiprocessCollector({ threads: true });
  for (let round = 0; round < 2; round++) {
    scrapes.inc();
    const { body } = await collector.metrics();
    process.stdout.write(body);
  }
  await collector.close();
}

void main();
