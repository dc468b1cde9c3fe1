/**
 * An app for PM2 that executes orders, also the order to end itself. `ENDING` chooses its reaction to SIGINT:
 *
 * graceful: finishes requests in progress
 * default: has no handler
 * deaf: ignores it
 * lingering: stops listening and waits until the file `RELEASE` exists
 */
import { existsSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { Counter, Gauge, Histogram, register, Registry, workerLabel } from 'prom-multiproc';

const orders = new Counter({ name: 'orders_total', help: 'Orders taken', labelNames: ['product'] });
const seconds = new Histogram({ name: 'order_seconds', help: 'Time to take an order' });
const workers = new Gauge({ name: 'shop_workers', help: 'Living instances', multiprocessMode: 'livesum' });
const worker = new Gauge({ name: 'shop_worker', help: 'Each living instance', multiprocessMode: 'liveall' });
const everyWorker = new Gauge({ name: 'shop_every_worker', help: 'Each instance ever', multiprocessMode: 'all' });
const own = new Registry();
const visits = new Counter({
  name: 'own_visits_total',
  help: 'Orders, in a registry without a name',
  registers: [own],
});
const slots = new Gauge({
  name: 'shop_slot',
  help: 'Living instances by number',
  labelNames: ['worker'],
  multiprocessMode: 'livesum',
});
slots.set({ worker: workerLabel() }, 1);
for (const gauge of [workers, worker, everyWorker]) gauge.set(1);

const server = createServer((request, response) => {
  response.setHeader('X-Pid', process.pid);
  void answer(request.url ?? '/', response);
});

async function answer(url: string, response: ServerResponse): Promise<void> {
  const [, what, product = 'unknown'] = url.split('/');
  if (what === 'metrics') {
    response.end(await register.metrics());
    return;
  }
  if (what === 'own') {
    response.end(await own.metrics());
    return;
  }
  if (what === 'json') {
    response.end(JSON.stringify(await register.getMetricsAsJSON()));
    return;
  }
  visits.inc();
  orders.inc({ product });
  seconds.observe(0.001);
  if (what === 'throw') {
    setImmediate(() => {
      throw new Error('an order that nobody can take');
    });
  } else if (what === 'leak') {
    leak();
  } else {
    await delay(2);
    response.end('thank you\n');
  }
}

/** Until V8 gives up: a heap out-of-memory aborts the process, and no exit hook runs. */
function leak(): never {
  const kept: unknown[] = [];
  for (;;) kept.push(Array.from({ length: 1000 }, Math.random));
}

server.listen(Number(process.env.PORT), '127.0.0.1');

const { ENDING = 'graceful', RELEASE = '' } = process.env;
if (ENDING === 'graceful') process.once('SIGINT', () => server.close(() => process.exit()));
if (ENDING === 'deaf') process.on('SIGINT', () => {});
if (ENDING === 'lingering') {
  process.once('SIGINT', () => {
    server.close();
    setInterval(() => existsSync(RELEASE) && process.exit(), 10);
  });
}
