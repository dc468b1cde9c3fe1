/** The handler in the frameworks that the guide names. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import express from 'express';
import fastify from 'fastify';
import Koa from 'koa';
import { metricsHandler, type MetricsHandler } from '../../../src/serve/answer/handler.js';
import { afterTest } from '../../support/after-test.js';
import { fixedSource, TEXT_TYPE } from '../../support/fixed-source.js';
import { ask } from '../../support/http-request.js';

const TEXT = 'requests_total{path="/"} 1\n'.repeat(100);

/** Makes a server with the handler at /metrics and the framework's own answer at /, as the README shows it. */
type Mount = (handler: MetricsHandler) => Promise<{ url: string; close(): unknown }>;

const MOUNTS: Readonly<Record<string, Mount>> = {
  'node:http': async (handler) => {
    return onFreePort(createServer((req, res) => (req.url === '/metrics' ? handler(req, res) : res.end('app'))));
  },

  Express: async (handler) => {
    const app = express();
    app.all('/metrics', handler);
    app.get('/', (_req, res) => void res.send('app'));
    return onFreePort(createServer(app));
  },

  Fastify: async (handler) => {
    const app = fastify();
    app.all('/metrics', (request, reply) => {
      reply.hijack();
      handler(request.raw, reply.raw);
    });
    app.get('/', () => 'app');
    return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() };
  },

  Koa: async (handler) => {
    const app = new Koa();
    app.use((ctx) => {
      if (ctx.path === '/metrics') {
        ctx.respond = false;
        handler(ctx.req, ctx.res);
      } else ctx.body = 'app';
    });
    return onFreePort(createServer(app.callback()));
  },

  Hono: async (handler) => {
    const { Hono } = await import('hono');
    const { getRequestListener } = await import('@hono/node-server');
    const { RESPONSE_ALREADY_SENT } = await import('@hono/node-server/utils/response');
    const app = new Hono<{ Bindings: import('@hono/node-server').HttpBindings }>();
    app.all('/metrics', (c) => {
      handler(c.env.incoming, c.env.outgoing);
      return RESPONSE_ALREADY_SENT;
    });
    app.get('/', (c) => c.text('app'));
    return onFreePort(createServer(getRequestListener(app.fetch)));
  },

  Nest: async (handler) => {
    await import('reflect-metadata');
    const { Controller, Get, Module } = await import('@nestjs/common');
    const { NestFactory } = await import('@nestjs/core');
    // decorators written as the calls they are, so that the whole project need not be compiled for them
    class AppController {
      app(): string {
        return 'app';
      }
    }
    class AppModule {
      readonly name = 'app';
    }
    Get()(AppController.prototype, 'app', Object.getOwnPropertyDescriptor(AppController.prototype, 'app')!);
    Controller()(AppController);
    Module({ controllers: [AppController] })(AppModule);
    const app = await NestFactory.create(AppModule, { logger: false });
    app.use('/metrics', handler);
    await app.listen(0, '127.0.0.1');
    return { url: await app.getUrl(), close: () => app.close() };
  },
};

async function onFreePort(server: Server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}

async function mounted(t: TestContext, name: string): Promise<string> {
  const errors: unknown[] = [];
  const handler = metricsHandler({ source: fixedSource(TEXT), onError: (error) => errors.push(error) });
  const { url, close } = await MOUNTS[name](handler);
  afterTest(t, async () => {
    await close();
    assert.deepEqual(errors, []);
  });
  return url;
}

for (const name of Object.keys(MOUNTS)) {
  test(`${name} serves metrics beside the application's own pages`, async (t) => {
    const url = await mounted(t, name);
    const plain = await ask(`${url}/metrics`);
    assert.deepEqual([plain.status, plain.headers['content-type'], plain.text], [200, TEXT_TYPE, TEXT]);
    const gzipped = await ask(`${url}/metrics`, { headers: { 'accept-encoding': 'gzip' } });
    assert.equal(gunzipSync(gzipped.body).toString(), TEXT);
    const head = await ask(`${url}/metrics`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
    // Hono's adapter answers HEAD itself; what matters there is that it is answered once
    if (name !== 'Hono') assert.equal(head.headers['content-length'], String(TEXT.length));
    const post = await ask(`${url}/metrics`, { method: 'POST' });
    assert.deepEqual([post.status, post.headers.allow], [405, 'GET, HEAD']);
    assert.equal((await ask(`${url}/`)).text, 'app');
  });
}
