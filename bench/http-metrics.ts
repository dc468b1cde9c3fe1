/**
 * The time that httpMetrics() adds to a request, compared with express-prom-bundle on Express and fastify-metrics on Fastify.
 *
 *   node dist/bench/http-metrics.js
 *
 * One process serves the same application three times: without metrics, with this package, and with the other library. The
 * three get their requests over keep-alive connections in short turns. The benchmark compares the CPU time of the process per
 * request, the median over all turns. With three processes the same server took from 66 to 188 µs in different processes. At the
 * end each side must have counted every request.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { median, table } from './report.js';

const SIDES = ['none', 'prom-multiproc', 'peer'] as const;
type Side = (typeof SIDES)[number];
const FRAMEWORKS = ['express', 'fastify'] as const;
type Framework = (typeof FRAMEWORKS)[number];
const PEERS = { express: 'express-prom-bundle', fastify: 'fastify-metrics' } as const;

/** After so many requests the compiler, whose threads add CPU time, has little work left. */
const WARM_UP_TURNS = 10;
const TURNS = 60;
const REQUESTS = 1000;
const CONNECTIONS = 8;

async function drive(): Promise<void> {
  const rows: string[][] = [];
  for (const framework of FRAMEWORKS) {
    const micros = await measure(framework);
    const [bare, ours, peer] = SIDES.map((side) => micros[side]);
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
async function measure(framework: Framework): Promise<Record<Side, number>> {
  const child = fork(__filename, ['--serve', framework]);
  const ports = (await answer(child)) as Record<Side, number>;
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const samples: Record<Side, number[]> = { none: [], 'prom-multiproc': [], peer: [] };
  for (let turn = 0; turn < WARM_UP_TURNS + TURNS; turn++) {
    for (const side of SIDES) {
      const before = await ask<number>(child, 'cpu');
      await load(ports[side], agent, REQUESTS);
      const after = await ask<number>(child, 'cpu');
      if (turn >= WARM_UP_TURNS) samples[side].push((after - before) / REQUESTS);
    }
  }
  const counted = await ask<Record<Side, number>>(child, 'counts');
  const sent = (WARM_UP_TURNS + TURNS) * REQUESTS;
  assert.deepEqual(counted, { none: 0, 'prom-multiproc': sent, peer: sent }, framework);
  agent.destroy();
  child.kill();
  const of = (side: Side): number => median(samples[side]);
  return { none: of('none'), 'prom-multiproc': of('prom-multiproc'), peer: of('peer') };
}

async function ask<Answer>(child: ChildProcess, question: 'cpu' | 'counts'): Promise<Answer> {
  child.send(question);
  return (await answer(child)) as Answer;
}

async function answer(child: ChildProcess): Promise<unknown> {
  return (await once(child, 'message'))[0];
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

async function serve(framework: Framework): Promise<void> {
  const ports = {} as Record<Side, number>;
  const counters = {} as Record<Side, Bench['count']>;
  for (const side of SIDES) {
    const { listen, count } = framework === 'express' ? await expressServer(side) : await fastifyServer(side);
    ports[side] = await listen();
    counters[side] = count;
  }
  process.on('message', async (question) => {
    if (question === 'cpu') {
      const { user, system } = process.cpuUsage();
      process.send!(user + system);
      return;
    }
    const counts = {} as Record<Side, number>;
    for (const side of SIDES) counts[side] = await counters[side]();
    process.send!(counts);
  });
  process.send!(ports);
}

interface Bench {
  listen(): Promise<number>;
  /** The number of requests in the metrics. */
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

if (process.argv[2] === '--serve') void serve(process.argv[3] as Framework);
else void drive();
