/**
 * An exporter for an application that has a JSON status page but no metrics. It asks every few seconds, and the application
 * being down is a metric and not a crash.
 *
 *   STATUS_URL=http://127.0.0.1:8080/status node dist/examples/status-exporter/app.js
 *
 * The status: { "current_requests": 3, "pending_requests": 1, "total_uptime": 120, "health": "degraded" }
 */
import { Gauge, startHttpServer, StateSet } from 'prom-multiproc';

const STATUS_URL = process.env.STATUS_URL ?? 'http://127.0.0.1:8080/status';
const INTERVAL_MS = Number(process.env.INTERVAL_SECONDS ?? 5) * 1000;
const TIMEOUT_MS = 2000;
const HEALTH = ['healthy', 'degraded', 'unhealthy', 'unknown'] as const;

const up = new Gauge({
  name: 'app_up',
  help: 'Whether the application answered the last time it was asked.',
});
const current = new Gauge({ name: 'app_requests_current', help: 'Requests that the application is answering.' });
const pending = new Gauge({ name: 'app_requests_pending', help: 'Requests that wait in the application.' });
const uptime = new Gauge({ name: 'app_uptime_seconds', help: 'Time since the application started.' });
const health = new StateSet({ name: 'app_health', help: 'How the application says it is.', states: [...HEALTH] });

interface Status {
  current_requests: number;
  pending_requests: number;
  total_uptime: number;
  health: string;
}

async function ask(): Promise<void> {
  try {
    const response = await fetch(STATUS_URL, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const status = (await response.json()) as Status;
    current.set(status.current_requests);
    pending.set(status.pending_requests);
    uptime.set(status.total_uptime);
    health.state(HEALTH.find((state) => state === status.health) ?? 'unknown');
    up.set(1);
  } catch (error) {
    // what it said last is not what it would say now
    for (const gauge of [current, pending, uptime]) gauge.set(NaN);
    health.state('unknown');
    up.set(0);
    console.error(`${STATUS_URL}: ${String(error)}`);
  }
}

async function main(): Promise<void> {
  await ask();
  setInterval(() => void ask(), INTERVAL_MS);
  const server = await startHttpServer({ port: Number(process.env.PORT ?? 9464) });
  console.log(`serving on ${server.url}/metrics`);
  process.once('SIGTERM', () => void server.close().then(() => process.exit()));
}

void main();
