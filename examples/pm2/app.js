/** One instance of an app under PM2. Nothing here knows of the other instances, or of PM2. */
const { createServer } = require('node:http');
const { Counter, Gauge, Histogram, register } = require('prom-multiproc');

const orders = new Counter({ name: 'orders_total', help: 'Orders taken', labelNames: ['product'] });
const duration = new Histogram({ name: 'order_duration_seconds', help: 'Time to take an order' });
const started = new Gauge({
  name: 'instance_started_seconds',
  help: 'When each living instance started',
  multiprocessMode: 'liveall',
});
started.setToCurrentTime();
const inProgress = new Gauge({ name: 'orders_in_progress', help: 'Orders under way', multiprocessMode: 'livesum' });

const server = createServer(async (request, response) => {
  if (request.url === '/metrics') {
    const text = await register.metrics();
    response.setHeader('Content-Type', register.contentType);
    response.end(text);
    return;
  }
  inProgress.inc();
  const end = duration.startTimer();
  await new Promise((resolve) => setTimeout(resolve, 5));
  orders.inc({ product: request.url.split('/')[2] ?? 'unknown' });
  end();
  inProgress.dec();
  response.end('thank you\n');
});
server.listen(Number(process.env.PORT), '127.0.0.1');

// PM2 stops and reloads by SIGINT; so that nobody's order is lost, what is under way is finished first
process.once('SIGINT', () => server.close(() => process.exit()));
