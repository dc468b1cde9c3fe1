/** An application's compiler sees the types of the packed package, as npm installs it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { installedApp } from '../support/installed-app.js';

const PRELOADED = `
import 'prom-multiproc/register';
import client from 'prom-client';
new client.Gauge({ name: 'g', help: 'h', multiprocessMode: 'livemax' });
client.register.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE);
// the class itself has no argument in prom-client's types, and a constructor cannot be added to a class of another module
const registry = new client.Registry<client.OpenMetricsContentType>();
registry.setContentType(client.openMetricsContentType);
export const sums = client.register.getMetricsAsJSON('sum');
`;
const OURS = `
import * as client from 'prom-multiproc';
export const registry = new client.Registry(client.Registry.OPENMETRICS_CONTENT_TYPE);
registry.setContentType(client.prometheusContentType);
export const sums = registry.getMetricsAsJSON('sum');
export const kind: client.FamilyType = 'counter';
`;
/** What programs do with the types of @prometheus-io/client, and libraries with its whole module. */
const SUCCESSOR = `
import * as theirs from '@prometheus-io/client';
import theirDefault from '@prometheus-io/client';
import * as ours from 'prom-multiproc';
import ourDefault from 'prom-multiproc';
export const client: typeof theirs = ours;
export const byDefault: typeof theirDefault = ourDefault;
export const counter: theirs.Counter<'a'> = new ours.Counter({ name: 'c', help: 'h', labelNames: ['a'] });
export const registry: theirs.Registry = ours.register;
export const metric: theirs.Metric<string> = new ours.Gauge({ name: 'g', help: 'h' });
export const all: theirs.MetricObject[] = ours.register.getMetricsAsArray('sum');
export const text: Promise<string> = ours.register.getMetricsAsString(counter);
export const types = async (): Promise<theirs.MetricType[]> =>
  (await ours.register.getMetricsAsJSON('sum')).map(({ type }) => (type === 'counter' ? 'counter' : type));
export const kind: theirs.MetricType = 'gauge' satisfies ours.FamilyType;
new ours.Pushgateway('http://127.0.0.1:9091', new ours.Registry());
const pairs = new ours.Counter({ name: 'p', help: 'h', labelNames: ['a', 'b'] });
pairs.inc({ a: 1, b: '2' });
// @ts-expect-error there is no such label
pairs.inc({ c: 1 });
`;
const FASTIFY = `
import fastify from 'fastify';
import fastifyMetrics from 'fastify-metrics';
import promClient from 'prom-multiproc';
async function main(): Promise<void> {
  const app = fastify();
  await app.register(fastifyMetrics, { promClient, endpoint: '/metrics' });
  app.get('/', async () => 'hello');
  await app.inject('/');
  const { body } = await app.inject('/metrics');
  console.log(/^http_request_duration_seconds_count.*status_code="200".* 1$/m.test(body));
  console.log(promClient.register.getSingleMetric('http_request_duration_seconds') !== undefined);
  process.exit();
}
void main();
`;

test('fastify-metrics 14 takes the client without a cast, and the types are those of @prometheus-io/client too', async (t) => {
  const libraries = ['fastify@5.12.8', 'fastify-metrics@14.1.0', '@prometheus-io/client@0.16.1'];
  const app = await installedApp(t, ['typescript@5.9.3', '@types/node@20', ...libraries], {
    'app.ts': FASTIFY,
    'successor.ts': SUCCESSOR,
  });
  const args = '--strict --esModuleInterop --skipLibCheck --types node --module node16 --target es2022'.split(' ');
  const compiled = await app.node('node_modules/typescript/bin/tsc', ...args, 'app.ts', 'successor.ts');
  assert.deepEqual(compiled, { end: 0, output: '' });
  assert.deepEqual(await app.node('app.js'), { end: 0, output: 'true\ntrue\n' });
});

test('types compile under node10 resolution and with ES2020, and the preload adds to those of prom-client', async (t) => {
  const app = await installedApp(t, ['typescript@5.9.3', '@types/node@20', 'prom-client@15.1.3'], {
    'preloaded.ts': PRELOADED,
    'ours.ts': OURS,
  });
  const compile = async (options: string): Promise<void> => {
    const args = `--noEmit --strict --esModuleInterop --types node ${options}`.split(' ');
    const { end, output } = await app.node('node_modules/typescript/bin/tsc', ...args);
    // declarations of other packages need newer libraries
    const ours = output.split('\n').filter((line) => line !== '' && !/^node_modules\/(?!prom-multiproc)/.test(line));
    assert.deepEqual(ours, [], options);
    if (output === '') assert.equal(end, 0);
  };
  await compile('--module commonjs --moduleResolution node10 --target es2020 preloaded.ts ours.ts');
  await compile('--module node16 --target es2022 preloaded.ts ours.ts');
  await compile('--module node16 --lib es2020 --target es2020 ours.ts');
  await compile('--module commonjs --moduleResolution node10 --lib es2020 --target es2020 ours.ts');
});
