/**
 * What httpMetrics() adds to a request, beside express-prom-bundle on Express and fastify-metrics on Fastify.
 *
 *   node dist/bench/http-metrics.js
 *
 * A server in a process of its own answers a fixed number of requests over keep-alive connections, without any metrics,
 * with ours, and with the peer's; what is compared is the CPU time of the server's process per request, which other
 * processes on the machine disturb less than the time on the clock. Processes are interleaved. Each must have counted
 * every request.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { Agent, get } from 'node:http';
import { median, table } from './report.js';

const SIDES = ['none', 'prom-multiproc', 'peer'] as const;
type Side = (typeof SIDES)[number];
const FRAMEWORKS = ['express', 'fastify'] as const;
type Framework = (typeof FRAMEWORKS)[number];
const PEERS = { express: 'express-prom-bundle', fastify: 'fastify-metrics' } as const;

const SAMPLES = 5;
const WARM_UP = 3000;
const REQUESTS = 12_000;
const CONNECTIONS = 8;

async function drive(): Promise<void> {
  const rows: string[][] = [];
  for (const framework of FRAMEWORKS) {
    const samples = new Map<Side, number[]>(SIDES.map((side) => [side, []]));
    for (let round = 0; round < SAMPLES; round++) {
      for (const side of SIDES) samples.get(side)!.push(await sample(framework, side));
    }
    const [bare, ours, peer] = SIDES.map((side) => median(samples.get(side)!));
    rows.push([framework, 'none', bare.toFixed(1), '', '']);
    rows.push([framework, 'prom-multiproc', ours.toFixed(1), (ours - bare).toFixed(1), '1']);
    rows.push([
      framework,
      PEERS[framework],
      peer.toFixed(1),
      (peer - bare).toFixed(1),
      `${((peer - bare) / (ours - bare)).toFixed(1)} ×`,
    ]);
  }
  console.log(table(['server', 'metrics', 'µs CPU a request', 'µs added', 'ratio'], rows));
}

/** µs of CPU time per request. */
async function sample(framework: Framework, side: Side): Promise<number> {
  const child = fork(__filename, ['--serve', framework, side]);
  const port = Number(await answer(child));
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  await load(port, agent, WARM_UP);
  child.send('start');
  await answer(child);
  await load(port, agent, REQUESTS);
  child.send('stop');
  const { cpuMicros, counted } = (await answer(child)) as { cpuMicros: number; counted: number };
  if (side !== 'none') assert.equal(counted, WARM_UP + REQUESTS, `${framework} with ${side}`);
  agent.destroy();
  child.kill();
  return cpuMicros / REQUESTS;
}

function answer(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => child.once('message', resolve));
}

async function load(port: number, agent: Agent, requests: number): Promise<void> {
  let left = requests;
  const client = async (): Promise<void> => {
    while (left-- > 0) {
      await new Promise<void>((resolve, reject) => {
        get({ host: '127.0.0.1', port, agent, path: `/users/${left % 50}` }, (response) => {
          response.resume();
          response.on('end', resolve);
        }).on('error', reject);
      });
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, client));
}

async function serve(framework: Framework, side: Side): Promise<void> {
  const { listen, count } = framework === 'express' ? await expressServer(side) : await fastifyServer(side);
  let before = process.cpuUsage();
  process.on('message', async (question) => {
    if (question === 'start') {
      before = process.cpuUsage();
      process.send!('started');
      return;
    }
    const { user, system } = process.cpuUsage(before);
    process.send!({ cpuMicros: user + system, counted: await count() });
  });
  process.send!(await listen());
}

interface Bench {
  listen(): Promise<number>;
  /** How many requests the metrics say there were. */
  count(): Promise<number>;
}

const counts = (text: string, name: string): number =>
  [...text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'))].reduce(
    (sum, [, value]) => sum + Number(value),
    0,
  );

async function expressServer(side: Side): Promise<Bench> {
  const express = (await import('express')).default;
  const app = express();
  let count = async (): Promise<number> => 0;
  if (side === 'prom-multiproc') {
    const { httpMetrics, register } = await import('prom-multiproc');
    app.use(httpMetrics().middleware);
    count = async () => counts(await register.metrics(), 'http_requests_total');
  } else if (side === 'peer') {
    const promBundle = (await import('express-prom-bundle')).default;
    const { register } = await import('prom-client');
    app.use(promBundle({ includeMethod: true, includePath: true, includeStatusCode: true, autoregister: false }));
    count = async () => counts(await register.metrics(), 'http_request_duration_seconds_count');
  }
  app.get('/users/:user', (_request, response) => void response.send('hello'));
  return {
    count,
    listen: () =>
      new Promise((resolve) => {
        const server = app.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
      }),
  };
}

async function fastifyServer(side: Side): Promise<Bench> {
  const { fastify } = await import('fastify');
  const app = fastify();
  let count = async (): Promise<number> => 0;
  if (side === 'prom-multiproc') {
    const { httpMetrics, register } = await import('prom-multiproc');
    app.register(httpMetrics().fastify);
    count = async () => counts(await register.metrics(), 'http_requests_total');
  } else if (side === 'peer') {
    const { default: metrics } = await import('fastify-metrics');
    const { register } = await import('prom-client');
    await app.register(metrics as never, { defaultMetrics: { enabled: false }, endpoint: null } as never);
    count = async () => counts(await register.metrics(), 'http_request_duration_seconds_count');
  }
  app.get('/users/:user', async () => 'hello');
  return {
    count,
    async listen() {
      await app.listen({ port: 0, host: '127.0.0.1' });
      return (app.server.address() as { port: number }).port;
    },
  };
}

if (process.argv[2] === '--serve') void serve(process.argv[3] as Framework, process.argv[4] as Side);
else void drive();
