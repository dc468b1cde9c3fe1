/** Every way in which a request can end: it is counted once, and no longer in progress. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import {
  connect as connectHttp2,
  constants,
  createServer as createHttp2Server,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import express from 'express';
import fastify from 'fastify';
import type { Registry } from 'prom-multiproc';
import { afterTest } from '../support/after-test.js';
import { ask } from '../support/http-request.js';
import { countsOf, fresh, inProgress, onFreePort, onNodeHttp } from './counted-server.js';
import { until } from '../support/program.js';

function line(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
}

function connectionTo(url: string): Socket {
  return connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
}

/** Waits until all requests are over, and tells which they were. */
async function ended(registry: Registry<any>, requests: number): Promise<Record<string, number>> {
  const counts = async (): Promise<number[]> => [...(await countsOf(registry)).values()];
  await until(async () => (await counts()).reduce((sum, count) => sum + count, 0) >= requests);
  assert.equal(await inProgress(registry), 0);
  return Object.fromEntries(
    [...(await countsOf(registry))].map(([labels, count]) => [
      labels.replaceAll(/method="(\w+)",route="([^"]*)",status_code="(\d+)"/g, '$1 $2 $3'),
      count,
    ]),
  );
}

/** How often the server was asked for something. */
function counter(): { arrived(): void; readonly count: number } {
  let count = 0;
  return {
    arrived: () => void count++,
    get count() {
      return count;
    },
  };
}

test('pipelined requests whose connection is cut off while they wait for their turn', async (t) => {
  const asked = counter();
  const { registry, url } = await onNodeHttp(t, {}, (request, response) => {
    asked.arrived();
    if (request.url !== '/slow') response.end('hello');
  });
  const socket = connectionTo(url);
  const many = Array.from({ length: 20 }, () => line('/a'));
  socket.write(line('/first') + line('/slow') + many.join(''));
  await until(async () => asked.count === 22);
  assert.equal(await inProgress(registry), 21);
  socket.destroy();
  assert.deepEqual(await ended(registry, 22), { 'GET /first 200': 1, 'GET /slow 499': 1, 'GET /a 499': 20 });
});

test('pipelined requests that are all answered', async (t) => {
  const { registry, url } = await onNodeHttp(t, {}, (request, response) => {
    // the first is the slowest: the others wait for it
    if (request.url === '/1') setTimeout(() => response.end(), 20);
    else response.end();
  });
  const socket = connectionTo(url);
  socket.write(line('/1') + line('/b') + line('/c'));
  socket.resume();
  assert.deepEqual(await ended(registry, 3), { 'GET /:number 200': 1, 'GET /b 200': 1, 'GET /c 200': 1 });
  socket.destroy();
});

test('a response that is cut off after its headers', async (t) => {
  const { registry, url } = await onNodeHttp(t, {}, (_request, response) => void response.write('begun'));
  const socket = connectionTo(url);
  socket.write(line('/stream'));
  await once(socket, 'data');
  socket.destroy();
  assert.deepEqual(await ended(registry, 1), { 'GET /stream 499': 1 });
});

test('a client that has gone before the middleware is reached', async (t) => {
  const { registry, metrics } = fresh();
  const app = express();
  const asked = counter();
  app.use((request, _response, next) => {
    asked.arrived();
    request.socket.once('close', () => setImmediate(next));
  });
  app.use(metrics.middleware);
  app.get('/late', (_request, response) => void response.send('nobody hears'));
  const { url, close } = await onFreePort(createServer(app));
  afterTest(t, close);
  const socket = connectionTo(url);
  socket.write(line('/late'));
  await until(async () => asked.count === 1);
  socket.destroy();
  assert.deepEqual(await ended(registry, 1), { 'GET /late 499': 1 });
});

test('upgrades and CONNECT are no requests, whoever answers them', async (t) => {
  const { registry, metrics } = fresh();
  const server = createServer((_request, response) => void response.end('hello'));
  metrics.attach(server);
  for (const event of ['upgrade', 'connect'] as const) {
    server.on(event, (_request, socket) => void socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
  }
  const { url, close } = await onFreePort(server);
  afterTest(t, close);
  for (const text of [
    'GET /socket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    'CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n',
  ]) {
    const socket = connectionTo(url);
    socket.write(text);
    socket.resume();
    await once(socket, 'close');
  }
  await ask(`${url}/plain`);
  assert.deepEqual(await ended(registry, 1), { 'GET /plain 200': 1 });
});

test('a handler that answers twice', async (t) => {
  const { registry, url } = await onNodeHttp(t, {}, (_request, response) => {
    response.writeHead(201).end('once');
    assert.throws(() => response.writeHead(500), { code: 'ERR_HTTP_HEADERS_SENT' });
  });
  assert.equal((await ask(`${url}/a`)).status, 201);
  assert.deepEqual(await ended(registry, 1), { 'GET /a 201': 1 });
});

test('what attach() and a middleware both see, and a middleware that is mounted twice', async (t) => {
  const { registry, metrics } = fresh();
  const app = express();
  app.use(metrics.middleware, metrics.middleware);
  app.get('/users/:user', (_request, response) => void response.send('hello'));
  const server = createServer(app);
  metrics.attach(server);
  const { url, close } = await onFreePort(server);
  afterTest(t, close);
  await ask(`${url}/users/ann`);
  assert.deepEqual(await ended(registry, 1), { 'GET /users/:user 200': 1 });
});

test("requests that Fastify's inject() makes up", async (t) => {
  const { registry, metrics } = fresh();
  const app = fastify();
  afterTest(t, async () => await app.close());
  app.register(metrics.fastify);
  app.get('/users/:user', () => 'hello');
  await app.inject('/users/ann');
  await app.inject('/nowhere');
  assert.deepEqual(await ended(registry, 2), { 'GET /users/:user 200': 1, 'GET /nowhere 404': 1 });
});

test('requests that are made up without a connection', async () => {
  const { registry, metrics } = fresh();
  const request = Object.assign(new IncomingMessage(undefined as never), { method: 'GET', url: '/made-up' });
  const response = new ServerResponse(request);
  metrics.middleware(request, response, () => response.end('hello'));
  response.emit('finish');
  response.emit('close');
  assert.deepEqual(await ended(registry, 1), { 'GET /made-up 200': 1 });
});

test('metrics that are reset while requests are under way', async (t) => {
  const { registry, url } = await onNodeHttp(t, {}, (_request, response) => {
    registry.resetMetrics();
    response.end();
  });
  await ask(`${url}/reset`);
  assert.deepEqual(await ended(registry, 1), { 'GET /reset 200': 1 });
});

async function onHttp2(t: TestContext): Promise<{
  registry: Registry<any>;
  /** Answers when the stream is over, whichever way. */
  ask(headers: OutgoingHttpHeaders): Promise<void>;
  /** Asks, and gives the request up by `giveUp` once it has arrived. */
  cutOff(
    path: string,
    giveUp: (stream: { close(code: number): void }, session: { destroy(): void }) => void,
  ): Promise<void>;
}> {
  const { registry, metrics } = fresh({ requestSize: true, responseSize: true });
  let arrived = (): void => {};
  const server = createHttp2Server((request, response) => {
    arrived();
    if (request.url === '/stream') response.write('begun');
    else if (request.url !== '/slow') response.end('hello');
  });
  metrics.attach(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const session = connectHttp2(url);
  afterTest(t, () => {
    session.destroy();
    return new Promise<void>((resolve) => void server.close(() => resolve()));
  });
  return {
    registry,
    async ask(headers) {
      const stream = session.request(headers);
      stream.resume().end();
      await once(stream, 'close');
    },
    async cutOff(path, giveUp) {
      const own = connectHttp2(url);
      own.on('error', () => {});
      const isThere = new Promise<void>((resolve) => (arrived = resolve));
      const stream = own.request({ ':path': path });
      stream.on('error', () => {});
      await isThere;
      const isOver = once(stream, 'close');
      giveUp(stream, own);
      await isOver;
      own.destroy();
    },
  };
}

test('streams of HTTP/2: answered, cancelled, and of a session that is gone', async (t) => {
  const { registry, ask: askHttp2, cutOff } = await onHttp2(t);
  await askHttp2({ ':path': '/a' });
  await askHttp2({ ':path': '/a', ':method': 'HEAD' });
  await askHttp2({ ':path': '/a', ':method': 'get' });
  await askHttp2({ ':path': '/a', ':method': 'FOO' });
  for (const path of ['/slow', '/stream']) {
    await cutOff(path, (stream) => stream.close(constants.NGHTTP2_CANCEL));
    await cutOff(path, (_stream, session) => session.destroy());
  }
  assert.deepEqual(await ended(registry, 8), {
    'GET /a 200': 1,
    'HEAD /a 200': 1,
    'OTHER /a 200': 2,
    'GET /slow 499': 2,
    'GET /stream 499': 2,
  });
  const text = await registry.metrics({ scope: 'process' });
  const sums = [...text.matchAll(/^http_response_size_bytes_sum\{method="(\w+)",route="\/a".*\} (\d+)$/gm)];
  assert.deepEqual(
    sums.map(([, method, bytes]) => [method, Number(bytes)]),
    [
      ['GET', 5],
      ['HEAD', 0],
      ['OTHER', 10],
    ],
  );
});

test('a pipelined request whose connection is gone before the middleware is reached, while it waits for its turn', async (t) => {
  const { registry, metrics } = fresh();
  const asked = counter();
  const server = createServer((request, response) => {
    asked.arrived();
    // the first one is never answered, so that the second has no connection yet
    if (request.url !== '/late') return;
    request.socket.once('close', () => setImmediate(() => metrics.track(request, response)));
  });
  const { url, close } = await onFreePort(server);
  afterTest(t, close);
  const socket = connectionTo(url);
  socket.write(line('/first') + line('/late'));
  await until(async () => asked.count === 2);
  socket.destroy();
  assert.deepEqual(await ended(registry, 1), { 'GET /late 499': 1 });
});

test('however many requests a connection has, its end has one listener', async (t) => {
  const listeners: number[] = [];
  const { registry, url } = await onNodeHttp(t, {}, (request, response) => {
    listeners.push(request.socket.listenerCount('close'));
    response.end();
  });
  const socket = connectionTo(url);
  socket.resume();
  for (let sent = 1; sent <= 30; sent++) {
    socket.write(line('/a'));
    await until(async () => listeners.length === sent);
  }
  assert.deepEqual(await ended(registry, 30), { 'GET /a 200': 30 });
  assert.equal(new Set(listeners).size, 1, listeners.join(' '));
  socket.destroy();
});

test('a request that attach() counts, and that reaches a middleware when it is over, is counted once', async (t) => {
  const { registry, metrics } = fresh();
  const late = counter();
  const asked = counter();
  const app = express();
  app.use((request, response, next) => {
    asked.arrived();
    const slow = (): void => {
      next();
      late.arrived();
    };
    if (request.url === '/gone') {
      request.socket.once('close', () => setImmediate(slow));
      return;
    }
    // the response is sent, and then the next middleware is called: at once, and after the event 'close'
    response.once(request.url === '/at-once' ? 'finish' : 'close', slow);
    response.end('hello');
  });
  app.use(metrics.middleware, (_request, _response) => {});
  const server = createServer(app);
  metrics.attach(server);
  const { url, close } = await onFreePort(server);
  afterTest(t, close);
  const socket = connectionTo(url);
  socket.resume();
  for (const [at, path] of ['/at-once', '/later'].entries()) {
    socket.write(line(path));
    await until(async () => late.count === at + 1);
  }
  socket.write(line('/gone'));
  await until(async () => asked.count === 3);
  socket.destroy();
  await until(async () => late.count === 3);
  assert.deepEqual(await ended(registry, 3), { 'GET /at-once 200': 1, 'GET /later 200': 1, 'GET /gone 499': 1 });
});
