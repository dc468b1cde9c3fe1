import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test, type TestContext } from 'node:test';
import express from 'express';
import type { HttpMetricsOptions } from 'prom-multiproc';
import { afterTest } from '../support/after-test.js';
import { ask } from '../support/http-request.js';
import { countsOf, fresh, onFreePort } from './counted-server.js';
import { until } from '../support/program.js';

/** The routes that requests for these paths are counted by, in the order of the paths. */
async function routesOf(
  t: TestContext,
  build: (app: express.Express) => void,
  paths: readonly string[],
  options: HttpMetricsOptions = {},
): Promise<string[]> {
  const { registry, metrics } = fresh(options);
  const app = express();
  app.use(metrics.middleware);
  build(app);
  app.use((_error: unknown, _request: unknown, response: express.Response, _next: unknown) => {
    response.status(500).send('failed');
  });
  const { url, close } = await onFreePort(createServer(app));
  afterTest(t, close);
  const routes: string[] = [];
  for (const path of paths) {
    const before = await countsOf(registry);
    await ask(url + path);
    let changed: string[] = [];
    await until(async () => {
      const after = await countsOf(registry);
      changed = [...after.keys()].filter((labels) => after.get(labels) !== before.get(labels));
      return changed.length > 0;
    });
    assert.equal(changed.length, 1);
    routes.push(/route="([^"]*)"/.exec(changed[0])![1]);
  }
  return routes;
}

const send: express.RequestHandler = (_request, response) => void response.send('hello');
const fail: express.RequestHandler = () => {
  throw new Error('on purpose');
};

test('a route in routers that are mounted in one another has their paths before its own, answered or failed', async (t) => {
  const routes = await routesOf(
    t,
    (app) => {
      const inner = express.Router().get('/items/:item', send).get('/fails/:item', fail).get('/', send);
      const outer = express.Router().use('/inner', inner).get('/', fail);
      app.use('/outer', outer);
    },
    [
      '/outer/inner/items/7?x=/y',
      '/outer/inner/fails/7',
      '/outer/inner',
      '/outer/inner/',
      '/outer',
      '/OUTER/inner/ITEMS/7',
    ],
  );
  assert.deepEqual(routes, [
    '/outer/inner/items/:item',
    '/outer/inner/fails/:item',
    '/outer/inner',
    '/outer/inner',
    '/outer',
    '/OUTER/inner/items/:item',
  ]);
});

test('a mounted application, and a router that is mounted at the root', async (t) => {
  const routes = await routesOf(
    t,
    (app) => {
      app.use('/sub', express().get('/users/:user', send));
      app.use(express.Router().get('/users/:user', send).get('/', send));
    },
    ['/sub/users/ann', '/users/ann', '/'],
  );
  assert.deepEqual(routes, ['/sub/users/:user', '/users/:user', '/']);
});

test('parameters of a mount point are few label values, whatever a client puts there', async (t) => {
  const routes = await routesOf(
    t,
    (app) => app.use('/orgs/:org', express.Router().get('/items/:item', send).get('/fails', fail)),
    ['/orgs/17/items/1', '/orgs/acme/items/1', '/orgs/globex/fails', '/orgs/initech/items/1', '/orgs/hooli/fails'],
    { maxPaths: 3 },
  );
  assert.deepEqual(routes, [
    '/orgs/:number/items/:item',
    '/orgs/acme/items/:item',
    '/orgs/globex/fails',
    ':other/items/:item',
    ':other/fails',
  ]);
});

test('templates that do not tell how long the path is, and rewritten URLs, go by the mount point', async (t) => {
  const routes = await routesOf(
    t,
    (app) => {
      app.use('/files', express.Router().get('/*path', send));
      app.use((request, _response, next) => {
        if (request.url.startsWith('/old')) request.url = '/new/place';
        next();
      });
      app.get('/new/place', send);
      app.get(['/one', '/two'], send);
      app.get(/^\/three/, send);
    },
    ['/files/a/b/c', '/old/and/long', '/two', '/three'],
  );
  assert.deepEqual(routes, ['/files/*path', '/new/place', '/two', '/three']);
});
