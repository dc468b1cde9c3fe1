import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import express from 'express';
import fastify from 'fastify';
import Koa from 'koa';
import { type HttpMetrics, httpMetrics, Registry } from 'prom-multiproc';
import { afterTest } from '../support/after-test.js';
import { assertNoDuplicateSeries } from '../support/exposition-parser.js';
import { ask } from '../support/http-request.js';
import { countsOf, fresh, onFreePort, onNodeHttp } from './counted-server.js';
import { until } from '../support/program.js';

/** Every framework has the same three routes: a template, one that fails, and one in a mounted router where it has those. */
type Mount = (metrics: HttpMetrics) => Promise<{ url: string; close(): Promise<void> }>;

const MOUNTS: Record<string, Mount> = {
  Express: async (metrics) => {
    const app = express();
    app.use(metrics.middleware);
    app.get('/users/:user', (request, response) => void response.send(request.params.user));
    const router = express.Router();
    router.get('/items/:item', (_request, response) => void response.send('item'));
    app.use('/shop', router);
    app.get('/fails', () => {
      throw new Error('on purpose');
    });
    app.use((_error: unknown, _request: unknown, response: any, _next: unknown) => response.status(500).send('failed'));
    return onFreePort(createServer(app));
  },

  Fastify: async (metrics) => {
    const app = fastify();
    app.register(metrics.fastify);
    app.get('/users/:user', (request) => (request.params as { user: string }).user);
    app.register(
      async (shop) => {
        shop.get('/items/:item', () => 'item');
      },
      { prefix: '/shop' },
    );
    app.get('/fails', () => {
      throw new Error('on purpose');
    });
    return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: async () => await app.close() };
  },

  Hono: async (metrics) => {
    const { Hono } = await import('hono');
    const { getRequestListener } = await import('@hono/node-server');
    const app = new Hono<{ Bindings: import('@hono/node-server').HttpBindings }>();
    app.use(metrics.hono);
    app.get('/users/:user', (c) => c.text(c.req.param('user')));
    app.route('/shop', new Hono().get('/items/:item', (c) => c.text('item')) as never);
    app.get('/fails', () => {
      throw new Error('on purpose');
    });
    app.onError((_error, c) => c.text('failed', 500));
    return onFreePort(createServer(getRequestListener(app.fetch)));
  },
};

MOUNTS.Nest = async (metrics) => {
  await import('reflect-metadata');
  const { Controller, Get, Module, Param } = await import('@nestjs/common');
  const { NestFactory } = await import('@nestjs/core');
  // decorators written as the calls they are, so that the whole project need not be compiled for them
  class AppController {
    user(user: string): string {
      return user;
    }
    item(): string {
      return 'item';
    }
    fails(): string {
      throw new Error('on purpose');
    }
  }
  class AppModule {
    readonly name = 'app';
  }
  const routes = { user: '/users/:user', item: '/shop/items/:item', fails: '/fails' };
  for (const [method, path] of Object.entries(routes)) {
    Get(path)(AppController.prototype, method, Object.getOwnPropertyDescriptor(AppController.prototype, method)!);
  }
  Param('user')(AppController.prototype, 'user', 0);
  Controller()(AppController);
  Module({ controllers: [AppController] })(AppModule);
  const app = await NestFactory.create(AppModule, { logger: false });
  app.use(metrics.middleware);
  await app.listen(0, '127.0.0.1');
  return { url: await app.getUrl(), close: async () => await app.close() };
};

for (const [framework, mount] of Object.entries(MOUNTS)) {
  test(`on ${framework} requests are counted by their route's template`, async (t) => {
    const { registry, metrics } = fresh();
    const app = await mount(metrics);
    afterTest(t, () => app.close());
    for (const path of ['/users/ann', '/users/bob?x=1', '/shop/items/7', '/fails', '/nowhere/17']) {
      await ask(app.url + path);
    }
    await until(async () => (await countsOf(registry)).size === 4);
    assert.deepEqual(Object.fromEntries(await countsOf(registry)), {
      'method="GET",route="/users/:user",status_code="200"': 2,
      'method="GET",route="/shop/items/:item",status_code="200"': 1,
      'method="GET",route="/fails",status_code="500"': 1,
      'method="GET",route="/nowhere/:number",status_code="404"': 1,
    });
  });
}

test('on Koa requests are counted by normalised paths, and by templates where @koa/router is', async (t) => {
  const { registry, metrics } = fresh();
  const app = new Koa();
  app.use(metrics.koa);
  app.use((context) => {
    // what @koa/router leaves there
    if (context.path.startsWith('/users/')) Object.assign(context, { _matchedRoute: '/users/:user' });
    context.body = 'hello';
  });
  const { url, close } = await onFreePort(createServer(app.callback()));
  afterTest(t, close);
  for (const path of ['/users/ann', '/orders/17']) await ask(url + path);
  await until(async () => (await countsOf(registry)).size === 2);
  assert.deepEqual([...(await countsOf(registry)).keys()].toSorted(), [
    'method="GET",route="/orders/:number",status_code="200"',
    'method="GET",route="/users/:user",status_code="200"',
  ]);
});

test('on node:http every request of a server is counted, with durations and sizes', async (t) => {
  const { registry, url } = await onNodeHttp(
    t,
    { requestSize: true, responseSize: true, buckets: [0.5, 10] },
    (request, response) => {
      request.resume();
      request.on('end', () => response.end('x'.repeat(250)));
    },
  );
  const sent = fetch(`${url}/upload/17`, { method: 'POST', body: 'y'.repeat(1500) });
  await (await sent).text();
  await until(async () => (await countsOf(registry)).size === 1);
  const text = await registry.metrics({ scope: 'process' });
  assertNoDuplicateSeries(text);
  const labels = 'method="POST",route="/upload/:number",status_code="200"';
  assert.match(text, new RegExp(`http_request_duration_seconds_bucket\\{le="0.5",${labels}\\} 1`));
  assert.match(text, new RegExp(`http_request_size_bytes_bucket\\{le="1000",${labels}\\} 0`));
  assert.match(text, new RegExp(`http_request_size_bytes_sum\\{${labels}\\} 1500`));
  assert.match(text, /http_requests_in_progress\{method="POST"\} 0/);
  const sum = Number(/http_response_size_bytes_sum\{[^}]*\} (\d+)/.exec(text)?.[1]);
  assert.ok(sum >= 250 && sum < 1000, `${sum} bytes of response`);
});

test('durations and sizes are native histograms where that is asked for, beside the classic buckets', async (t) => {
  const { registry, url } = await onNodeHttp(t, { nativeHistograms: true, responseSize: true, buckets: [0.5, 10] });
  await ask(`${url}/a`);
  await until(async () => (await countsOf(registry)).size === 1);
  assert.match(await registry.metrics({ scope: 'process' }), /http_request_duration_seconds_bucket\{le="0.5",.*\} 1/);
  const objects = await registry.getMetricsAsJSON({ scope: 'process' });
  const natives = objects.flatMap(({ name, values }) =>
    values.flatMap(({ native }) => (native ? { name, native } : [])),
  );
  assert.deepEqual(
    natives.map(({ name, native: { schema, positive } }) => ({
      name,
      schema,
      counts: positive.map(([, count]) => count),
    })),
    ['http_request_duration_seconds', 'http_response_size_bytes'].map((name) => ({ name, schema: 3, counts: [1] })),
  );
});

test('a client that goes away counts as 499', async (t) => {
  let begun!: () => void;
  const arrived = new Promise<void>((resolve) => (begun = resolve));
  const { registry, url } = await onNodeHttp(t, {}, () => begun());
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write('GET /slow HTTP/1.1\r\nHost: x\r\n\r\n');
  await arrived;
  assert.match(await registry.metrics({ scope: 'process' }), /http_requests_in_progress\{method="GET"\} 1/);
  socket.destroy();
  await until(async () => (await countsOf(registry)).size === 1);
  assert.deepEqual([...(await countsOf(registry)).keys()], ['method="GET",route="/slow",status_code="499"']);
  assert.match(await registry.metrics({ scope: 'process' }), /http_requests_in_progress\{method="GET"\} 0/);
});

test('the metrics path and what is excluded is not counted', async (t) => {
  const { registry, url } = await onNodeHttp(t, { exclude: ['/healthz', /^\/internal\//] });
  for (const path of ['/metrics', '/metrics?x=1', '/healthz', '/internal/a', '/app']) await ask(url + path);
  await until(async () => (await countsOf(registry)).size === 1);
  assert.deepEqual([...(await countsOf(registry)).keys()], ['method="GET",route="/app",status_code="200"']);
});

test('labels take the names that another library has, statuses are grouped, and further labels are asked for', async (t) => {
  const { registry, url } = await onNodeHttp(t, {
    labels: 'prometheus-api-metrics',
    groupStatus: true,
    customLabels: { tenant: (request) => String(request.headers['x-tenant'] ?? 'none') },
  });
  await ask(`${url}/a`, { headers: { 'x-tenant': 'acme' } });
  await until(async () => (await countsOf(registry)).size === 1);
  assert.deepEqual([...(await countsOf(registry)).keys()], ['method="GET",route="/a",code="2xx",tenant="acme"']);
});

test('methods and paths that an attacker makes up are few label values', async (t) => {
  const { registry, url } = await onNodeHttp(t, { maxPaths: 5, normalizePath: (path) => path });
  for (let at = 0; at < 30; at++) await ask(`${url}/path-${'x'.repeat(at)}`);
  await ask(`${url}/a`, { method: 'PROPFIND' });
  await until(async () => [...(await countsOf(registry)).values()].reduce((sum, count) => sum + count, 0) === 31);
  const routes = new Set([...(await countsOf(registry)).keys()].map((labels) => /route="([^"]*)"/.exec(labels)![1]));
  assert.equal(routes.size, 6);
  assert.ok([...(await countsOf(registry)).keys()].some((labels) => labels.startsWith('method="OTHER"')));
});

test('a custom label that throws costs its request its count, and the application nothing', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const { url } = await onNodeHttp(t, {
    customLabels: {
      bad: () => {
        throw new Error('on purpose');
      },
    },
  });
  for (let at = 0; at < 3; at++) assert.equal((await ask(`${url}/a`)).status, 200);
});

test('a pattern with the flag g excludes every time, and not every other', async (t) => {
  const { registry, url } = await onNodeHttp(t, {
    exclude: [/^\/internal\//g],
    normalizePath: [{ pattern: /^\w+-of-month$/gy, placeholder: ':month' }],
  });
  for (const path of ['/internal/a', '/internal/b', '/may-of-month', '/june-of-month']) await ask(url + path);
  const labels = 'method="GET",route="/:month",status_code="200"';
  await until(async () => (await countsOf(registry)).get(labels) === 2);
  assert.equal((await countsOf(registry)).size, 1);
});

test('paths that are not found take half of the places, so that a scanner does not hide what is there', async (t) => {
  const { registry, url } = await onNodeHttp(t, { maxPaths: 4 }, (request, response) => {
    response.statusCode = request.url!.startsWith('/scan') ? 404 : 200;
    response.end();
  });
  for (const path of ['/scan/a', '/scan/b', '/scan/c', '/scan/d', '/one', '/two', '/three']) await ask(url + path);
  await until(async () => [...(await countsOf(registry)).values()].reduce((sum, count) => sum + count, 0) === 7);
  assert.deepEqual(
    [...(await countsOf(registry))].map(([labels, count]) => [/route="([^"]*)"/.exec(labels)![1], count]),
    [
      ['/scan/a', 1],
      ['/scan/b', 1],
      [':other', 2],
      ['/one', 1],
      ['/two', 1],
      [':other', 1],
    ],
  );
});

test('attach() takes a server, and says so where it is given an application', () => {
  const { metrics } = fresh();
  assert.throws(() => metrics.attach(express() as never), {
    code: 'ERR_INVALID_ARGUMENT',
    message: /takes the server/,
  });
});

test('labels that are not all different, and presets that are none, are refused at once', () => {
  const registers = [new Registry(undefined, { multiprocess: false })];
  assert.throws(() => httpMetrics({ registers, customLabels: { route: () => 'x' } }), { code: 'ERR_INVALID_ARGUMENT' });
  assert.throws(() => httpMetrics({ registers, labels: 'none' as never }), { code: 'ERR_INVALID_ARGUMENT' });
});
