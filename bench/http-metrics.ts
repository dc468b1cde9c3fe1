/**
 * The time that httpMetrics() adds to a request, beside a listener that only takes the time of the response, and beside another
 * library: express-prom-bundle on Express, fastify-metrics on Fastify.
 *
 *   node dist/bench/http-metrics.js
 *
 * Each side is a process of its own, several times, since the same server takes different times in different processes. The
 * processes of a framework get their requests over keep-alive connections in short turns. The benchmark compares the CPU time of the
 * process per request: the lower quartile over the turns, and the least over the processes, since other work on the machine only adds. At the end each side must have counted every request.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { HttpBindings } from '@hono/node-server';
import type { HttpMetrics } from 'prom-multiproc';
import { table } from './report.js';

type Side = 'none' | 'listener' | 'prom-multiproc' | 'peer';
const FRAMEWORKS = ['express', 'fastify', 'node:http', 'hono'] as const;
type Framework = (typeof FRAMEWORKS)[number];
const PEERS: Partial<Record<Framework, string>> = { express: 'express-prom-bundle', fastify: 'fastify-metrics' };

const PROCESSES = 5;
/** After so many requests the compiler, whose threads add CPU time, has little work left. */
const WARM_UP_TURNS = 10;
const TURNS = 25;
const REQUESTS = 1000;
const CONNECTIONS = 8;

async function drive(frameworks: readonly Framework[]): Promise<void> {
  const rows: string[][] = [];
  for (const framework of frameworks) {
    const sides: Side[] = ['none', 'listener', 'prom-multiproc', ...(framework in PEERS ? (['peer'] as const) : [])];
    const micros = await measure(framework, sides);
    const least = micros.get('listener')! - micros.get('none')!;
    for (const side of sides) {
      const added = micros.get(side)! - micros.get('none')!;
      rows.push([
        framework,
        side === 'peer' ? PEERS[framework]! : side,
        micros.get(side)!.toFixed(1),
        ...(side === 'none'
          ? []
          : [
              added.toFixed(1),
              `${(micros.get(side)! / micros.get('listener')!).toFixed(2)} ×`,
              `${(added / least).toFixed(1)} ×`,
            ]),
      ]);
    }
  }
  console.log(
    table(
      ['server', 'metrics', 'µs CPU a request', 'µs added', 'request to the listener', 'added to the listener'],
      rows,
    ),
  );
}

/** µs of CPU time per request. */
async function measure(framework: Framework, sides: readonly Side[]): Promise<Map<Side, number>> {
  const samples = new Map(sides.map((side) => [side, [] as number[]]));
  for (let process = 0; process < PROCESSES; process++) {
    const servers = await Promise.all(sides.map((side) => RunningServer.start(framework, side)));
    const cpu = servers.map((): number[] => []);
    for (let turn = 0; turn < WARM_UP_TURNS + TURNS; turn++) {
      for (const [at, server] of servers.entries()) {
        const used = await server.turn();
        if (turn >= WARM_UP_TURNS) cpu[at].push(used);
      }
    }
    for (const [at, server] of servers.entries()) {
      samples.get(server.side)!.push(lowerQuartile(cpu[at]));
      await server.end((WARM_UP_TURNS + TURNS) * REQUESTS);
    }
  }
  return new Map(sides.map((side) => [side, Math.min(...samples.get(side)!)]));
}

function lowerQuartile(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 2];
}

class RunningServer {
  readonly side: Side;
  readonly #child: ChildProcess;
  readonly #sockets: readonly Socket[];

  private constructor(side: Side, child: ChildProcess, sockets: readonly Socket[]) {
    this.side = side;
    this.#child = child;
    this.#sockets = sockets;
  }

  static async start(framework: Framework, side: Side): Promise<RunningServer> {
    const child = fork(__filename, ['--serve', framework, side]);
    const [port] = (await once(child, 'message')) as [number];
    const sockets = Array.from({ length: CONNECTIONS }, () => connect(port, '127.0.0.1').setEncoding('latin1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    return new RunningServer(side, child, sockets);
  }

  /** µs of CPU time per request, over one turn. */
  async turn(): Promise<number> {
    const before = await this.#ask('cpu');
    let left = REQUESTS;
    await Promise.all(
      this.#sockets.map(
        (socket) =>
          new Promise<void>((resolve) => {
            const next = (): void => {
              if (left <= 0) {
                socket.removeAllListeners('data');
                resolve();
                return;
              }
              socket.write(`GET /users/${left-- % 50} HTTP/1.1\r\nHost: bench\r\n\r\n`);
            };
            let response = '';
            socket.on('data', (chunk: string) => {
              response += chunk;
              if (!response.endsWith('hello')) return;
              response = '';
              next();
            });
            next();
          }),
      ),
    );
    return ((await this.#ask('cpu')) - before) / REQUESTS;
  }

  async end(requests: number): Promise<void> {
    assert.equal(await this.#ask('count'), this.side === 'none' ? 0 : requests, this.side);
    for (const socket of this.#sockets) socket.destroy();
    this.#child.kill();
  }

  async #ask(question: 'cpu' | 'count'): Promise<number> {
    this.#child.send(question);
    return ((await once(this.#child, 'message')) as [number])[0];
  }
}

/** Returns the number of requests that the side has counted. */
type Count = () => Promise<number>;

const none: Count = async () => 0;

/** The least that a duration of responses takes. */
function listener(): { listen: (response: ServerResponse) => void; count: Count } {
  let count = 0;
  let ms = 0;
  return {
    listen(response) {
      const start = performance.now();
      response.on('finish', () => {
        ms += performance.now() - start;
        count++;
      });
    },
    count: async () => (ms > 0 ? count : 0),
  };
}

async function ours(): Promise<{ metrics: HttpMetrics; count: Count }> {
  const { httpMetrics, register } = await import('prom-multiproc');
  return { metrics: httpMetrics(), count: async () => counts(await register.metrics(), 'http_requests_total') };
}

async function peerCount(): Promise<number> {
  const { register } = await import('prom-client');
  return counts(await register.metrics(), 'http_request_duration_seconds_count');
}

function counts(text: string, name: string): number {
  const lines = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\d+)$`, 'gm'));
  return [...lines].reduce((sum, [, value]) => sum + Number(value), 0);
}

interface Started {
  readonly server: Server;
  readonly count: Count;
}

const SERVERS: Readonly<Record<Framework, (side: Side) => Promise<Started>>> = {
  async express(side) {
    const express = (await import('express')).default;
    const app = express();
    let count = none;
    if (side === 'listener') {
      const bare = listener();
      app.use((_request, response, next) => {
        bare.listen(response);
        next();
      });
      ({ count } = bare);
    } else if (side === 'prom-multiproc') {
      const { metrics, count: counted } = await ours();
      app.use(metrics.middleware);
      count = counted;
    } else if (side === 'peer') {
      const promBundle = (await import('express-prom-bundle')).default;
      app.use(promBundle({ includeMethod: true, includePath: true, includeStatusCode: true, autoregister: false }));
      count = peerCount;
    }
    app.get('/users/:user', (_request, response) => void response.send('hello'));
    return { server: app.listen(0, '127.0.0.1'), count };
  },

  async fastify(side) {
    const { fastify } = await import('fastify');
    const app = fastify();
    let count = none;
    if (side === 'listener') {
      const bare = listener();
      app.addHook('onRequest', (_request, reply, done) => {
        bare.listen(reply.raw);
        done();
      });
      ({ count } = bare);
    } else if (side === 'prom-multiproc') {
      const { metrics, count: counted } = await ours();
      app.register(metrics.fastify);
      count = counted;
    } else if (side === 'peer') {
      const { default: metrics } = await import('fastify-metrics');
      await app.register(metrics as never, { defaultMetrics: { enabled: false }, endpoint: null } as never);
      count = peerCount;
    }
    app.get('/users/:user', async () => 'hello');
    await app.ready();
    return { server: app.server.listen(0, '127.0.0.1'), count };
  },

  async 'node:http'(side) {
    const server = createServer();
    let count = none;
    if (side === 'listener') {
      const bare = listener();
      server.on('request', (_request, response) => bare.listen(response));
      ({ count } = bare);
    } else if (side === 'prom-multiproc') {
      const { metrics, count: counted } = await ours();
      metrics.attach(server);
      count = counted;
    }
    server.on('request', (_request, response) => void response.end('hello'));
    return { server: server.listen(0, '127.0.0.1'), count };
  },

  async hono(side) {
    const { Hono } = await import('hono');
    const { createAdaptorServer } = await import('@hono/node-server');
    const app = new Hono<{ Bindings: HttpBindings }>();
    let count = none;
    if (side === 'listener') {
      const bare = listener();
      app.use(async (context, next) => {
        bare.listen(context.env.outgoing);
        await next();
      });
      ({ count } = bare);
    } else if (side === 'prom-multiproc') {
      const { metrics, count: counted } = await ours();
      app.use(metrics.hono);
      count = counted;
    }
    app.get('/users/:user', (context) => context.text('hello'));
    return { server: (createAdaptorServer(app) as Server).listen(0, '127.0.0.1'), count };
  },
};

async function serve(framework: Framework, side: Side): Promise<void> {
  const { server, count } = await SERVERS[framework](side);
  // a turn of the other sides may take longer than the default of 5 s
  server.keepAliveTimeout = 0;
  if (!server.listening) await once(server, 'listening');
  process.on('message', async (question) => {
    if (question === 'count') {
      process.send!(await count());
      return;
    }
    const { user, system } = process.cpuUsage();
    process.send!(user + system);
  });
  process.send!((server.address() as AddressInfo).port);
}

const [mode, ...args] = process.argv.slice(2);
if (mode === '--serve') void serve(args[0] as Framework, args[1] as Side);
else void drive(mode === undefined ? FRAMEWORKS : [mode as Framework]);
