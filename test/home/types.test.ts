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
`;
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
