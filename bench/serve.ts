/**
 * A process that serves metrics while 1, 10 and 100 clients scrape it as fast as they can, compared with prom-client behind
 * node:http. The benchmark first checks that both serve the same lines.
 *
 *   node dist/bench/serve.js [--quick]
 *
 * Server and clients are separate processes on 127.0.0.1. Each measurement starts a new server, both sides take turns, and the
 * figures are medians. The series are incremented during the measurement. Responses are not compressed, since prom-client does not
 * compress them.
 *
 * The delay is that of the serving process's event loop. Node's own p99 counts every turn of the loop once, also a long one: a turn
 * of 15 seconds among a hundred short ones does not change it. So the table also has the maximum wait of 99 of 100 requests that
 * arrive at random moments.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { median, table } from './report.js';

const CONTENDERS = ['prom-multiproc', 'prom-client'] as const;
type Contender = (typeof CONTENDERS)[number];

const QUICK = process.argv.includes('--quick');
const SERIES = QUICK ? [1000] : [10_000, 100_000];
const CLIENTS = QUICK ? [1, 10] : [1, 10, 100];
const ROUNDS = QUICK ? 1 : 2;
const WINDOW_MS = QUICK ? 300 : 2000;
/** So many series are incremented every so many milliseconds. */
const CHURN_MS = 20;
const CHURNING = 100;

interface Delay {
  /** By `monitorEventLoopDelay`. */
  readonly p99Ms: number;
  /** By time. */
  readonly waitMs: number;
  readonly maxMs: number;
}

interface Measurement extends Delay {
  readonly perSecond: number;
}

async function drive(): Promise<void> {
  const rows: string[][] = [];
  for (const series of SERIES) {
    await assertSameOutput(series);
    for (const clients of CLIENTS) {
      const measured = new Map<Contender, Measurement[]>(CONTENDERS.map((contender) => [contender, []]));
      for (let round = 0; round < ROUNDS; round++) {
        for (const contender of CONTENDERS) measured.get(contender)!.push(await measure(contender, series, clients));
      }
      for (const [contender, runs] of measured) {
        const of = (what: keyof Measurement): string => {
          const value = median(runs.map((run) => run[what]));
          return value.toFixed(value < 100 ? 1 : 0);
        };
        rows.push([
          series.toLocaleString('en'),
          String(clients),
          contender,
          of('perSecond'),
          of('p99Ms'),
          of('waitMs'),
          of('maxMs'),
        ]);
      }
    }
  }
  console.log(
    table(['series', 'clients', 'library', 'requests/s', 'p99 of loop delay ms', 'p99 wait ms', 'longest ms'], rows),
  );
}

/** Measures one server while so many clients scrape it. */
async function measure(contender: Contender, series: number, clients: number): Promise<Measurement> {
  const server = await Server.start(contender, series);
  try {
    // warms up: a process that is scraped every few seconds has its indexes, caches and optimised code
    for (let scrape = 0; scrape < 3; scrape++) await fetchText(server.port);
    await server.ask('begin');
    const processes = Math.min(2, clients);
    const answered = await Promise.all(
      Array.from({ length: processes }, () => crowd(server.port, clients / processes)),
    );
    const delay = (await server.ask('report')) as Delay;
    return { ...delay, perSecond: answered.reduce((sum, { perSecond }) => sum + perSecond, 0) };
  } finally {
    await server.end();
  }
}

async function assertSameOutput(series: number): Promise<void> {
  const digests = new Set<string>();
  for (const contender of CONTENDERS) {
    const server = await Server.start(contender, series);
    const lines = (await fetchText(server.port)).split('\n').filter((line) => line !== '');
    await server.end();
    digests.add(`${lines.length} lines ${createHash('sha256').update(lines.toSorted().join('\n')).digest('hex')}`);
  }
  if (digests.size > 1) throw new Error(`outputs differ: ${[...digests].join(' and ')}`);
}

class Server {
  private constructor(
    readonly port: number,
    private readonly child: ChildProcess,
    private readonly dir: string,
  ) {}

  static async start(contender: Contender, series: number): Promise<Server> {
    const dir = mkdtempSync(join(process.platform === 'linux' ? '/dev/shm' : tmpdir(), 'prom-multiproc-bench-'));
    const child = fork(__filename, ['--server', contender, String(series)], {
      env: {
        ...process.env,
        PROMETHEUS_MULTIPROC_DIR: dir,
        PROM_MULTIPROC_MAX_BYTES: String(1 << 30),
        PROM_MULTIPROC_MAX_SERIES_PER_METRIC: '1000000',
      },
      execArgv: ['--max-old-space-size=4096'],
    });
    return new Server((await answerOf(child)) as number, child, dir);
  }

  ask(question: 'begin' | 'report'): Promise<unknown> {
    const answer = answerOf(this.child);
    this.child.send(question);
    return answer;
  }

  async end(): Promise<void> {
    const ended = new Promise((resolve) => {
      this.child.once('exit', resolve);
    });
    this.child.kill('SIGKILL');
    await ended;
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`a process of the benchmark ended with ${code}`));
    child.once('exit', onExit);
    child.once('message', (answer) => {
      child.off('exit', onExit);
      resolve(answer);
    });
  });
}

function fetchText(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', path: '/metrics', agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve(text));
    }).on('error', reject);
  });
}

/** Runs the clients in a separate process. */
async function crowd(port: number, clients: number): Promise<{ perSecond: number }> {
  const child = fork(__filename, ['--clients', String(port), String(clients)]);
  const answer = (await answerOf(child)) as { perSecond: number };
  child.kill();
  return answer;
}

async function scrapeForAWhile(port: number, clients: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const scrapeOnce = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const onAnswer = (response: IncomingMessage): void => {
        if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`));
        response.resume().on('end', resolve);
      };
      get({ port, host: '127.0.0.1', path: '/metrics', agent }, onAnswer).on('error', reject);
    });
  const start = performance.now();
  let answered = 0;
  let lastAt = start;
  const client = async (): Promise<void> => {
    while (performance.now() - start < WINDOW_MS) {
      await scrapeOnce();
      answered++;
      lastAt = performance.now();
    }
  };
  const clientsDone = Promise.all(Array.from({ length: clients }, client));
  // does not wait for responses that take longer than the time of measurement
  await Promise.race([clientsDone, sleep(WINDOW_MS * 2)]);
  const seconds = Math.max(lastAt - start, WINDOW_MS) / 1000;
  process.send!({ perSecond: answered / seconds });
}

/** Serves until it is killed. */
async function serve(contender: Contender, series: number): Promise<void> {
  const client = require(contender) as typeof import('prom-client');
  const counter = new client.Counter({
    name: 'requests_total',
    help: 'Requests',
    labelNames: ['method', 'path', 'code'],
  });
  const children = Array.from({ length: series }, (_, at) => counter.labels('GET', `/api/items/${at}`, '200'));
  children.forEach((child, at) => child.inc(at + 1));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const turns: number[] = [];
  let next = 0;
  process.on('message', (question) => {
    if (question === 'begin') {
      setInterval(() => {
        for (let count = 0; count < CHURNING; count++) children[next++ % series].inc();
      }, CHURN_MS);
      delay.enable();
      let last = performance.now();
      setInterval(() => {
        const now = performance.now();
        turns.push(now - last);
        last = now;
      }, 1);
      process.send!('begun');
    } else {
      delay.disable();
      const answer: Delay = {
        p99Ms: delay.percentile(99) / 1e6,
        waitMs: longestWait(turns, 0.01),
        maxMs: delay.max / 1e6,
      };
      process.send!(answer);
    }
  });
  process.send!(contender === 'prom-multiproc' ? await serveOurs() : await serveTheirs(client));
}

/** The wait for the end of a turn that at most `share` of the requests exceed, if they arrive at random moments. */
function longestWait(turns: readonly number[], share: number): number {
  const all = turns.reduce((sum, turn) => sum + turn, 0);
  const waiting = (longer: number): number => turns.reduce((sum, turn) => sum + Math.max(0, turn - longer), 0);
  let [least, most] = [0, Math.max(0, ...turns)];
  for (let step = 0; step < 40; step++) {
    const middle = (least + most) / 2;
    if (waiting(middle) > share * all) least = middle;
    else most = middle;
  }
  return most;
}

async function serveOurs(): Promise<number> {
  const { MultiprocessCollector, startHttpServer } = require('prom-multiproc') as typeof import('prom-multiproc');
  const source = new MultiprocessCollector({ selfMetrics: false });
  // 100 clients exceed the limit that protects a real server
  const { address } = await startHttpServer({ port: 0, source, inFlightLimit: Infinity });
  return (address as AddressInfo).port;
}

function serveTheirs({ register }: typeof import('prom-client')): Promise<number> {
  const server = createServer((_req, res) => {
    register.metrics().then(
      (text) => res.setHeader('Content-Type', register.contentType).end(text),
      (error: unknown) => res.writeHead(500).end(String(error)),
    );
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

const [, , part, first, second] = process.argv;
// a benchmark that is stopped leaves no processes behind
process.on('disconnect', () => process.exit());
if (part === '--server') void serve(first as Contender, Number(second));
else if (part === '--clients') void scrapeForAWhile(Number(first), Number(second));
else void drive();
