/**
 * Metrics beside an application, on its own port: a gauge that a wrapper sets, and a counter that a timer drives.
 *
 *   node dist/examples/mounted-app/app.js            then http://127.0.0.1:8080/ and http://127.0.0.1:8080/metrics
 */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { Counter, Gauge, register } from 'prom-multiproc';

const lastResponse = new Gauge({
  name: 'service_last_response_seconds',
  help: 'Time that the last response took.',
  labelNames: ['route'],
  multiprocessMode: 'livemostrecent',
});
const uptime = new Counter({ name: 'service_uptime_seconds_total', help: 'Time that the service has been up.' });

/** Measures a listener from the outside: it does not know of it. */
function timed(route: string, listener: RequestListener): RequestListener {
  return (request, response) => {
    const end = lastResponse.startTimer({ route });
    response.once('close', () => end());
    listener(request, response);
  };
}

async function metrics(_request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader('Content-Type', register.contentType);
  response.end(await register.metrics());
}

const routes: Readonly<Record<string, RequestListener>> = {
  '/': timed('/', (_request, response) => void response.end('hello\n')),
  '/slow': timed('/slow', (_request, response) => void setTimeout(() => response.end('at last\n'), 100)),
  '/metrics': (request, response) => void metrics(request, response),
};

const timer = setInterval(() => uptime.inc(), 1000);
const server = createServer((request, response) => {
  const route = routes[request.url ?? '/'];
  if (route !== undefined) return route(request, response);
  response.statusCode = 404;
  response.end('not here\n');
});
server.listen(Number(process.env.PORT ?? 8080), '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object') console.log(`serving on http://127.0.0.1:${address?.port}/`);
});
process.once('SIGTERM', () => {
  clearInterval(timer);
  server.close();
});
