/**
 * The demo: a cluster of 4 workers behind one port, requests driven at it, and one merged /metrics. After a while one
 * worker is killed by SIGKILL, and the totals go on.
 *
 *   npm run demo                     ends after a minute, or at Ctrl-C
 *   npm run demo -- --seconds 600    ends after ten minutes
 */
import cluster from 'node:cluster';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MultiprocessCollector, setupPrimary, startHttpServer } from 'prom-multiproc';

const APP_PORT = Number(process.env.APP_PORT ?? 8080);
const METRICS_PORT = Number(process.env.METRICS_PORT ?? 9464);
const WORKERS = 4;
const KILL_AFTER_MS = 3000;
const DEFAULT_SECONDS = 60;

async function main(): Promise<void> {
  const secondsAt = process.argv.indexOf('--seconds');
  const seconds = secondsAt < 0 ? DEFAULT_SECONDS : Number(process.argv[secondsAt + 1]);

  const { dir } = setupPrimary({ clean: true });
  cluster.setupPrimary({ exec: join(__dirname, 'worker.js') });
  const workers = Array.from({ length: WORKERS }, () => cluster.fork({ APP_PORT: String(APP_PORT) }));
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('listening', resolve))));

  const collector = new MultiprocessCollector();
  const server = await startHttpServer({ port: METRICS_PORT });
  console.log(`${WORKERS} workers answer on http://127.0.0.1:${APP_PORT}/, counting into ${dir}`);
  console.log(`merged metrics:         ${server.url}/metrics`);
  console.log(
    `look at:                orders_total, order_duration_seconds, requests_in_progress, worker_started_seconds`,
  );
  console.log(`ends:                   after ${seconds} s, or at Ctrl-C\n`);

  const total = async (): Promise<number> => {
    const families = await collector.families();
    const orders = families.find(({ name }) => name === 'orders_total');
    return orders?.samples.reduce((sum, { value }) => sum + value, 0) ?? 0;
  };

  const killAt = Date.now() + KILL_AFTER_MS;
  const endAt = Date.now() + seconds * 1000;
  let killed = false;
  let asked = 0;
  let shownAt = 0;
  while (Date.now() < endAt) {
    asked += await askSome();
    if (!killed && Date.now() > killAt) {
      killed = true;
      const before = await total();
      const victim = workers[0].process.pid!;
      process.kill(victim, 'SIGKILL');
      await new Promise((resolve) => workers[0].once('exit', resolve));
      console.log(`\nkilled worker ${victim} with SIGKILL: orders_total was ${before}, is ${await total()}\n`);
      cluster.fork({ APP_PORT: String(APP_PORT) });
    }
    if (Date.now() - shownAt > 1000) {
      shownAt = Date.now();
      const living = (await collector.processes()).filter(({ state }) => state === 'live').length;
      console.log(
        `orders_total ${String(await total()).padStart(6)}   answered ${String(asked).padStart(6)}   workers alive ${living}`,
      );
    }
    await sleep(20);
  }
  await server.close();
  await collector.close();
  for (const worker of Object.values(cluster.workers ?? {})) worker?.kill();
}

/** A few requests at once; answers how many were answered. */
async function askSome(): Promise<number> {
  const answers = await Promise.all(['tea', 'coffee', 'cake', 'tea'].map(ask));
  return answers.filter(Boolean).length;
}

function ask(product: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ port: APP_PORT, path: `/order/${product}`, agent: false }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode === 200));
    });
    // the connection of a worker that was killed in the middle
    request.on('error', () => resolve(false));
  });
}

void main();
