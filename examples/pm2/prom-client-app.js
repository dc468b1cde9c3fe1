/** An app as it was written for prom-client, which preload.config.cjs starts unchanged. */
const { createServer } = require('node:http');
const client = require('prom-client');

const orders = new client.Counter({ name: 'orders_total', help: 'Orders taken', labelNames: ['product'] });
client.collectDefaultMetrics();

createServer(async (request, response) => {
  if (request.url === '/metrics') {
    response.setHeader('Content-Type', client.register.contentType);
    response.end(await client.register.metrics());
    return;
  }
  orders.inc({ product: request.url.split('/')[2] ?? 'unknown' });
  response.end('thank you\n');
}).listen(Number(process.env.PORT), '127.0.0.1');
