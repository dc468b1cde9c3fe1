/** The preload of the packed package, with real clients, under Node.js and under Bun. */
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { test } from 'node:test';
import { installedApp, sharedApp } from '../support/installed-app.js';
import { nodeRelease } from '../support/node-release.js';

const installed = sharedApp([
  ...['prom-client@15.1.3', '@platformatic/prom-client@1.0.0', 'fastify@5.12.8', 'fastify-metrics@14.1.0'],
  'bun@1.4.5',
]);
const PRELOAD = ['--import', 'prom-multiproc/register'];
const KINDS = `
const names = ['prom-client', '@platformatic/prom-client', '@prometheus-io/client', 'prom-client-cb39b826407dce36'];
console.log(names.map((name) => typeof require(name).MultiprocessCollector).join());
`;
const ESM = `
import { Counter } from 'prom-client';
import * as platformatic from '@platformatic/prom-client';
new Counter({ name: 'jobs_total', help: 'Jobs.' }).inc();
console.log(typeof platformatic.MultiprocessCollector, (await platformatic.register.metrics()).includes('jobs_total 1'));
`;
const FASTIFY = `
const app = require('fastify')();
(async () => {
  await app.register(require('fastify-metrics'), { endpoint: '/metrics' });
  app.get('/', async () => 'hello');
  await app.inject('/');
  const { body } = await app.inject('/metrics');
  console.log(/^http_request_duration_seconds_count.*status_code="200".* 1$/m.test(body));
  console.log(typeof require('prom-multiproc').register.getSingleMetric('http_request_duration_seconds'));
  process.exit();
})();
`;

test('forks and hashed names of prom-client are redirected, and the debug log tells for which file', async () => {
  const app = await installed();
  app.write({ 'kinds.js': KINDS, 'esm.mjs': ESM, 'fastify.js': FASTIFY });
  // as Next.js links a package that it does not bundle
  symlinkSync('prom-client', app.path('node_modules', 'prom-client-cb39b826407dce36'));
  const kinds = await app.run(process.execPath, [...PRELOAD, 'kinds.js'], { NODE_DEBUG: 'prom-multiproc' });
  assert.match(kinds.output, /^function,function,function,function$/m);
  assert.match(kinds.output, /prom-client-cb39b826407dce36 is redirected to \S+root\.js for \S+kinds\.js/);
  assert.deepEqual(await app.node(...PRELOAD, 'esm.mjs'), { end: 0, output: 'function true\n' });
  assert.deepEqual(await app.node(...PRELOAD, 'fastify.js'), { end: 0, output: 'true\nobject\n' });
});

test('a prom-client whose metrics() is synchronous stays, with one warning', async (t) => {
  const app = await installedApp(t, ['prom-client@12.0.0'], {
    'app.js': `
      const client = require('prom-client');
      require('prom-client');
      new client.Counter({ name: 'jobs_total', help: 'Jobs.' }).inc();
      console.log(client.register.metrics().includes('jobs_total 1'));`,
  });
  const { end, output } = await app.node(...PRELOAD, 'app.js');
  assert.equal(end, 0, output);
  assert.match(output, /^true$/m);
  assert.equal(output.match(/gets its own prom-client 12\.0\.0, whose metrics\(\) is synchronous/g)?.length, 1, output);
});

test('with --permission the program runs, and one line tells what the model forbids', async () => {
  const app = await installed();
  app.write({
    'permission.js': `
      const client = require('prom-client');
      new client.Counter({ name: 'jobs_total', help: 'Jobs.' }).inc();
      client.register.metrics().then((text) => console.log(text.includes('jobs_total 1')));`,
  });
  const [major] = process.versions.node.split('.').map(Number);
  const permission = major < 23 ? '--experimental-permission' : '--permission';
  const { end, output } = await app.node(permission, '--allow-fs-read=*', ...PRELOAD, 'permission.js');
  assert.equal(end, 0, output);
  assert.match(output, /^true$/m);
  assert.ok((output.match(/^prom-multiproc: /gm)?.length ?? 0) <= 1, output);
  const on24 = await app.run(await nodeRelease(24), ['--permission', '--allow-fs-read=*', ...PRELOAD, 'permission.js']);
  assert.equal(on24.end, 0, on24.output);
  assert.match(on24.output, /^true$/m);
});

test('under Bun, require and import are redirected', async () => {
  const app = await installed();
  app.write({
    'bun.js': KINDS.replace(", 'prom-client-cb39b826407dce36'", ''),
    'esm.mjs': ESM,
  });
  const bun = app.path('node_modules/bun/bin/bun.exe');
  const preload = ['--preload', 'prom-multiproc/register'];
  assert.deepEqual(await app.run(bun, [...preload, 'esm.mjs']), { end: 0, output: 'function true\n' });
  assert.deepEqual(await app.run(bun, [...preload, 'bun.js']), { end: 0, output: 'function,function,function\n' });
});
