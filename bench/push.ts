/**
 * What a push of 2,000 series takes: the bytes of one sending, the CPU time of the process that sends, and how long its event
 * loop is held up at a time.
 *
 *   node dist/bench/push.js
 *
 * Each target is pushed to by a process of its own. What it sends is decoded, and has to be all of its series each time. 600 of them are
 * counters and 1,400 are lines of histograms with 7 buckets.
 */
import assert from 'node:assert/strict';
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { Counter, Histogram, register } from 'prom-multiproc';
import { type PushTargets, startPush } from 'prom-multiproc/push';
import { decodeOtlp, decodeRemoteWrite, loadOtlpMessages, type Received } from '../test/support/push-receiver.js';
import { CODES, METHODS, ROUTES } from './operation.js';
import { median, table } from './report.js';

const COUNTERS = 600;
const HISTOGRAMS = 140;
const BUCKETS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10];
/** Of a histogram: its buckets, that of +Inf, the sum and the count. */
const LINES = BUCKETS.length + 3;
const INTERVAL_MS = 500;
const PUSHES = 24;
/** The first pushes lay the series out, and run code that is not compiled yet. */
const WARM_UP = 4;
/** ms that the event loop may be held up at a time. */
const MOST_MS = 5;

type Request = Pick<Received, 'headers' | 'body'>;

interface Target {
  readonly options: (url: string) => PushTargets;
  /** The number of series in a request. */
  readonly series: (request: Received) => number;
  readonly expected: number;
}

const TARGETS: Readonly<Record<string, Target>> = {
  'remote write 1.0': remoteWrite('1.0'),
  'remote write 2.0': remoteWrite('2.0'),
  OTLP: {
    options: (url) => ({ otlp: { url } }),
    series: (request) =>
      decodeOtlp(request).reduce((sum, { name, ...metric }) => sum + (isOwn(name) ? pointsOf(metric) : 0), 0),
    expected: COUNTERS + HISTOGRAMS,
  },
  Pushgateway: {
    options: (url) => ({ pushgateway: { url, jobName: 'bench' } }),
    series: ({ body }) => body.toString().split('\n').filter(isOwn).length,
    expected: COUNTERS + LINES * HISTOGRAMS,
  },
};

function remoteWrite(version: '1.0' | '2.0'): Target {
  return {
    options: (url) => ({ remoteWrite: { url, version } }),
    series: (request) => decodeRemoteWrite(request).filter(({ name }) => isOwn(name)).length,
    expected: COUNTERS + LINES * HISTOGRAMS,
  };
}

function isOwn(name: string): boolean {
  return name.startsWith('bench_');
}

function pointsOf({ sum, histogram }: Pick<ReturnType<typeof decodeOtlp>[number], 'sum' | 'histogram'>): number {
  return (sum ?? histogram)!.dataPoints.length;
}

/** Other programs on the machine hold an event loop up too, unless root has it scheduled before them. */
const UNDISTURBED =
  spawnSync('chrt', ['-f', '1', 'true']).status === 0
    ? { execPath: 'chrt', execArgv: ['-f', '1', process.execPath] }
    : {};

async function drive(): Promise<void> {
  await loadOtlpMessages();
  const rows: string[][] = [];
  for (const [name, { series, expected }] of Object.entries(TARGETS)) {
    const requests: Request[] = [];
    const server = createServer(async (request, response) => {
      const body = await buffer(request);
      requests.push({ headers: request.headers, body });
      if (request.headers['content-type']?.includes('write.v2')) {
        const written = decodeRemoteWrite({ headers: request.headers, body } as Received).length;
        response.setHeader('x-prometheus-remote-write-samples-written', written);
      }
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const dir = mkdtempSync(join(tmpdir(), 'bench-push-'));
    const child = fork(__filename, [name, url], {
      ...UNDISTURBED,
      env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir },
    });
    const [found] = (await once(child, 'message')) as [Found];
    const bytes = requests.reduce((sum, { body }) => sum + body.length, 0);
    const pushes = requests.reduce((sum, request) => sum + series(request as Received), 0) / expected;
    assert.ok(pushes > 2 * PUSHES && Number.isInteger(pushes), `${pushes} pushes of all series`);
    if (rows.length === 0) rows.push(['scrape, text and gzip', kilobytes(found.scrapeBytes), '', '']);
    rows.push([name, kilobytes(bytes / pushes), found.cpuMs.toFixed(1), found.stallMs.toFixed(1)]);
    server.close();
    rmSync(dir, { recursive: true });
  }
  console.log(table(['target', 'KB per push', 'ms CPU per push', 'longest stall, ms'], rows));
  for (const [name, , , stall] of rows) assert.ok(Number(stall) <= MOST_MS, `${name}: ${stall} ms`);
}

function kilobytes(bytes: number): string {
  return (bytes / 1000).toFixed(1);
}

interface Found {
  readonly cpuMs: number;
  readonly stallMs: number;
  readonly scrapeBytes: number;
}

/** Counts and pushes, and reports what the pushes took. */
async function run(name: string, url: string): Promise<void> {
  const count = makeSeries();
  // values change between two pushes, in both parts of the measurement
  setInterval(count, 50);
  const idle = process.cpuUsage();
  await passed(PUSHES * INTERVAL_MS);
  const baseMs = milliseconds(process.cpuUsage(idle));
  const push = startPush({ intervalMs: INTERVAL_MS, ...TARGETS[name].options(url) });
  await passed((WARM_UP - 0.5) * INTERVAL_MS);
  const busy = process.cpuUsage();
  await passed(PUSHES * INTERVAL_MS);
  const cpuMs = (milliseconds(process.cpuUsage(busy)) - baseMs) / PUSHES;
  const stalls: number[] = [];
  for (let at = 0; at < PUSHES; at++) stalls.push(await longestGap(INTERVAL_MS));
  const scrapeBytes = gzipSync(await register.metrics()).length;
  await push.close();
  const found: Found = { cpuMs, stallMs: median(stalls), scrapeBytes };
  process.send!(found, () => process.exit());
}

function makeSeries(): () => void {
  const counter = new Counter({
    name: 'bench_requests_total',
    help: 'Requests.',
    labelNames: ['route', 'method', 'code'],
  });
  const histogram = new Histogram({
    ...{ name: 'bench_duration_seconds', help: 'Time of requests.', labelNames: ['route', 'method'], buckets: BUCKETS },
  });
  const counters = Array.from({ length: COUNTERS }, (_, at) =>
    counter.labels(`${ROUTES[at & 15]}/${at >> 6}`, METHODS[(at >> 4) & 3], CODES[at % 3]),
  );
  const histograms = Array.from({ length: HISTOGRAMS }, (_, at) =>
    histogram.labels(`${ROUTES[at & 15]}/${at >> 6}`, METHODS[(at >> 4) & 3]),
  );
  let random = 1;
  const next = (): number => (random = (random * 48_271) % 2_147_483_647) / 2_147_483_647;
  return () => {
    for (const child of counters) child.inc(Math.floor(10 * next()));
    for (const child of histograms) child.observe(5 * next() ** 3);
  };
}

function passed(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms));
}

function milliseconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

/** The longest time between two turns of the event loop, which is kept turning. */
async function longestGap(ms: number): Promise<number> {
  const end = performance.now() + ms;
  let longest = 0;
  for (let before = performance.now(); before < end;) {
    await new Promise(setImmediate);
    const now = performance.now();
    longest = Math.max(longest, now - before);
    before = now;
  }
  return longest;
}

const [, , name, url] = process.argv;
if (name === undefined) void drive();
else void run(name, url);
