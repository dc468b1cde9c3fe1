/**
 * The workers of the pictures: a primary with up to six workers that count as an HTTP server would. One blocks its event loop and
 * fails requests, one leaks, and one is killed. Further processes are files that this process maintains.
 *
 * node pictured-workers.js PROCESSES KILL_AFTER_SECONDS
 */
import cluster from 'node:cluster';
import * as prom from 'prom-multiproc';
import { counter } from '../../../support/declarations.js';
import { addTo, attach, createFile } from '../../../support/written-file.js';

const [processes, killAfterSeconds] = process.argv.slice(2).map(Number);
const PATHS = ['/', '/cart', '/login', '/search'];
const MIB = 2 ** 20;

function work(number: number): void {
  const requests = new prom.Counter({
    name: 'http_requests_total',
    help: 'Requests served.',
    labelNames: ['path', 'status_code'],
  });
  const heap = new prom.Gauge({ name: 'heap_used_bytes', help: 'Heap in use.' });
  const durations = new prom.Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time to serve a request.',
    labelNames: ['path'],
  });
  prom.collectDefaultMetrics();
  let turn = 0;
  setInterval(() => {
    turn++;
    heap.set(process.memoryUsage().heapUsed);
    for (let request = 0; request < 4 + 3 * Math.sin(turn / 50 + number); request++) {
      const path = PATHS[(turn + request) % PATHS.length];
      const fails = number === 2 && (turn + request) % 9 === 0;
      requests.inc({ path, status_code: fails ? '500' : '200' });
      durations.observe({ path }, Math.exp(-6 + 4 * Math.abs(Math.sin(turn * 12.9 + request))));
    }
  }, 50);
  if (number === 2) setInterval(() => block(350), 900);
  const leak: Buffer[] = [];
  if (number === 3) setInterval(() => leak.push(Buffer.alloc(4 * MIB, 1)), 500);
  if (number === 4) setTimeout(() => process.kill(process.pid, 'SIGKILL'), killAfterSeconds * 1000);
}

function block(ms: number): void {
  const end = Date.now() + ms;
  while (Date.now() < end);
}

/** Files with a heartbeat, each as of a process of its own. */
function furtherProcesses(dir: string, number: number): void {
  const files = Array.from({ length: number }, (_, at) => {
    const identity = { pid: 200_000 + at, startedAt: Date.now() / 1000 - 3600 - at };
    const file = createFile(dir, { identity });
    const declared = { ...counter('http_requests_total', ['path', 'status_code']), help: 'Requests served.' };
    const series = attach(file.store, file.store.declare(declared, ['default']), ['/', '200']);
    return { ...file, series };
  });
  const beat = (): void =>
    files.forEach(({ writer, series }, at) => {
      addTo(series, 5 + (at % 7));
      const wave = Math.abs(Math.sin(at + Date.now() / 40_000));
      writer.beat({
        cpuShare: 0.03 + 0.1 * wave,
        residentBytes: (60 + (at % 30) + 4 * wave) * MIB,
        loopLagSeconds: 0.002 + 0.008 * wave,
        ...{ loopShare: 0.1, gcShare: 0.01 * wave, seriesShare: 0, restarts: 0 },
      });
    });
  beat();
  setInterval(beat, 1000);
}

if (cluster.isPrimary) {
  const dir = process.env.PROMETHEUS_MULTIPROC_DIR!;
  prom.setupPrimary({ dir });
  const workers = Math.min(processes, processes > 4 ? 6 : 4);
  let forked = 0;
  const fork = (): void => void cluster.fork({ NUMBER: String(++forked) });
  for (let at = 0; at < workers; at++) fork();
  furtherProcesses(dir, processes - workers);
  cluster.on('exit', () => setTimeout(fork, 1000));
  process.on('disconnect', () => {
    for (const worker of Object.values(cluster.workers!)) worker!.process.kill('SIGKILL');
    process.exit();
  });
  process.send?.('ready');
} else {
  work(Number(process.env.NUMBER));
}
