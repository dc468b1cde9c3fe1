/** A worker of the demo: an HTTP server that counts what it does. Nothing here knows of the other workers. */
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Counter, Gauge, Histogram } from 'prom-multiproc';

const orders = new Counter({ name: 'orders_total', help: 'Orders taken', labelNames: ['product'] });
const duration = new Histogram({ name: 'order_duration_seconds', help: 'Time to take an order' });
const inProgress = new Gauge({ name: 'requests_in_progress', help: 'Requests under way', multiprocessMode: 'livesum' });
const started = new Gauge({
  name: 'worker_started_seconds',
  help: 'When each living worker started',
  multiprocessMode: 'liveall',
});
started.setToCurrentTime();

createServer(async (request, response) => {
  inProgress.inc();
  const end = duration.startTimer();
  await sleep(Math.random() * 20);
  orders.inc({ product: request.url?.split('/')[2] ?? 'unknown' });
  response.end('thank you\n');
  end();
  inProgress.dec();
}).listen(Number(process.env.APP_PORT), '127.0.0.1');
