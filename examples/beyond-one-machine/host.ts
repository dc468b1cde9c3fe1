/**
 * One host of several: a cluster whose merged metrics are scraped on this host's own address and, where the variables name
 * receivers, pushed by remote write and by OTLP too.
 *
 *   HOST=10.9.0.11 PORT=8080 METRICS_PORT=9464 node dist/examples/beyond-one-machine/host.js
 *
 * prometheus.yml beside this file finds the hosts by file service discovery, and rules.yml records what all of them do
 * together: within a host this package adds up, between hosts Prometheus does.
 */
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { Counter, Histogram, setupPrimary, startHttpServer } from 'prom-multiproc';
import { startPush } from 'prom-multiproc/push';

const { HOST = '127.0.0.1', PORT = '8080', METRICS_PORT = '9464' } = process.env;
const { REMOTE_WRITE_URL, OTLP_URL, PUSH_INTERVAL_MS = '15000' } = process.env;
const WORKERS = 2;

async function primary(): Promise<void> {
  setupPrimary();
  for (let count = 0; count < WORKERS; count++) cluster.fork();
  const server = await startHttpServer({ host: HOST, port: Number(METRICS_PORT) });
  console.log(`host ${HOST}: metrics on ${server.url}/metrics`);
  if (REMOTE_WRITE_URL === undefined && OTLP_URL === undefined) return;
  const push = startPush({
    remoteWrite: REMOTE_WRITE_URL === undefined ? undefined : { url: REMOTE_WRITE_URL },
    otlp: OTLP_URL === undefined ? undefined : { url: OTLP_URL },
    // the host, and not the process: another one may go on with the same series
    labels: { job: 'pushed', instance: HOST },
    intervalMs: Number(PUSH_INTERVAL_MS),
  });
  process.once('SIGTERM', () => void push.close().then(() => process.exit()));
}

function worker(): void {
  const visits = new Counter({ name: 'visits_total', help: 'Visits.', labelNames: ['page'] });
  const duration = new Histogram({ name: 'visit_seconds', help: 'Time that a visit takes.', buckets: [0.1, 1] });
  createServer((request, response) => {
    const end = duration.startTimer();
    visits.inc({ page: request.url === '/' ? 'home' : 'other' });
    response.end('hello\n');
    end();
  }).listen(Number(PORT), HOST);
}

if (cluster.isPrimary) void primary();
else worker();
