/**
 * One host of several: a cluster whose merged metrics are scraped on this host's own address, and, where OTLP_URL is set,
 * sent by OTLP too.
 *
 *   HOST=10.9.0.1 PORT=8080 METRICS_PORT=9464 node dist/examples/beyond-one-machine/host.js
 *
 * prometheus.yml beside this file finds the hosts by file service discovery, and rules.yml records what all of them do
 * together: within a host this package adds up, between hosts Prometheus does.
 */
import cluster from 'node:cluster';
import { createServer } from 'node:http';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { Counter, Histogram, MultiprocessCollector, setupPrimary, startHttpServer } from 'prom-multiproc';
import { MultiprocessMetricProducer } from './metric-producer.js';

const { HOST = '127.0.0.1', PORT = '8080', METRICS_PORT = '9464', OTLP_URL } = process.env;
const WORKERS = 2;

async function primary(): Promise<void> {
  setupPrimary();
  for (let count = 0; count < WORKERS; count++) cluster.fork();
  const server = await startHttpServer({ host: HOST, port: Number(METRICS_PORT) });
  console.log(`host ${HOST}: metrics on ${server.url}/metrics`);
  if (OTLP_URL === undefined) return;
  const collector = new MultiprocessCollector({ created: true, selfMetrics: false });
  const reader = new PeriodicExportingMetricReader({
    exporter: new OTLPMetricExporter({ url: OTLP_URL }),
    exportIntervalMillis: Number(process.env.OTLP_INTERVAL_MS ?? 10_000),
    metricProducers: [new MultiprocessMetricProducer(collector)],
  });
  const provider = new MeterProvider({ readers: [reader] });
  process.once('SIGTERM', () => void provider.shutdown().then(() => process.exit()));
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
