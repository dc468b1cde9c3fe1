/**
 * An application for the dashboard: four workers with httpMetrics() and the default metrics, which make requests to themselves. One
 * of them fails some, and one leaks. The primary serves the metrics, and sends their address.
 */
import cluster from 'node:cluster';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectDefaultMetrics, httpMetrics, setupPrimary, startHttpServer } from 'prom-multiproc';

const ROUTES = ['/', '/', '/', '/cart', '/cart', '/login', '/search'];
const WORKERS = 4;

function serve(number: number): void {
  collectDefaultMetrics({ perProcess: true });
  const server = createServer((request, response) => {
    const longest = request.url === '/search' ? 60 : 8;
    setTimeout(
      () => {
        response.statusCode = number === 2 && Math.random() < 0.2 ? 500 : 200;
        response.end('ok');
      },
      2 + longest * Math.random() ** 3,
    );
  });
  httpMetrics().attach(server);
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    let turn = number;
    const next = (): void => {
      const wave = 1.5 + Math.sin(Date.now() / 20_000 + number);
      const again = (): void => void setTimeout(next, 20 * wave);
      get({ host: '127.0.0.1', port, path: ROUTES[turn++ % ROUTES.length] }, (response) => {
        response.resume().on('end', again);
      }).on('error', again);
    };
    for (let user = 0; user < 3; user++) next();
  });
  const leak: Buffer[] = [];
  if (number === 3) setInterval(() => leak.push(Buffer.alloc(2 ** 20, 1)), 1000);
}

async function lead(): Promise<void> {
  setupPrimary();
  for (let number = 1; number <= WORKERS; number++) cluster.fork({ NUMBER: String(number) });
  const { url } = await startHttpServer({ port: 0 });
  process.on('disconnect', () => {
    for (const worker of Object.values(cluster.workers!)) worker!.process.kill('SIGKILL');
    process.exit();
  });
  process.send?.(url);
}

if (cluster.isPrimary) void lead();
else serve(Number(process.env.NUMBER));
