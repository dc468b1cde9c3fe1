/**
 * Registries of an app's instances under PM2, with the preload hook and with this package by name. The programs, and the lines
 * that they must print, are those of the twins in clusters and threads.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { registerPath } from 'prom-multiproc';
import { AGGREGATED_LINES } from '../../prom-client/aggregated-lines.js';
import { eventually, Pm2 } from '../../support/pm2.js';
import { DIST, startProgram } from '../../support/program.js';

const PROGRAMS: Readonly<Record<string, { readonly instances: number; readonly prints: readonly string[] }>> = {
  'json-aggregate': {
    instances: 3,
    prints: AGGREGATED_LINES,
  },
  modules: {
    instances: 2,
    prints: ['shop: hits_total 2', 'shop: shop_orders_total 2', 'admin: admin_logins_total 2', 'admin: hits_total 20'],
  },
  probes: {
    instances: 2,
    prints: ['a0', 'a1', 'b0', 'b1'].flatMap((target) => [
      'probe_duration_seconds 1',
      `probe_success{target="${target}"} 1`,
    ]),
  },
  'own-registry': {
    instances: 3,
    prints: ['main: requests_total{app="shop"} 100', 'helper: requests_total{app="shop"} 3'],
  },
  'merged-registry': {
    instances: 2,
    prints: ['app', 'later', 'library'].map((name) => `${name}_total{service="shop"} 2`),
  },
};

const CLIENTS = {
  'the preload hook': { node_args: ['--import', registerPath()], env: {} },
  'this package by name': { node_args: [], env: { CLIENT: 'prom-multiproc' } },
};

const RUNS = Object.entries(CLIENTS).flatMap(([client, { node_args, env }], at) =>
  Object.entries(PROGRAMS).map(([program, { instances, prints }]) => {
    const name = `${program}-${at}`;
    const script = join(DIST, 'test/prom-client/programs', `${program}.js`);
    return { client, program, prints, app: { name, script, exec_mode: 'cluster' as const, instances, node_args }, env };
  }),
);

const pm2 = new Pm2();
const socketsOf = (name: string): string => join(pm2.home, 'sockets', name);
before(async () => {
  for (const { app } of RUNS) mkdirSync(socketsOf(app.name), { recursive: true });
  await pm2.start(...RUNS.map(({ app, env }) => ({ ...app, env: { ...env, TWIN_SOCKETS: socketsOf(app.name) } })));
});
after(() => pm2.end());

for (const { client, program, prints, app, env } of RUNS) {
  test(`${program} in instances under PM2: right with ${client}`, async (t) => {
    const sockets = socketsOf(app.name);
    await eventually('the sockets of all instances', () => readdirSync(sockets).length === app.instances);
    const asking = startProgram(t, process.execPath, [app.script, 'pm2'], { ...env, TWIN_SOCKETS: sockets });
    assert.equal(await asking.ended(), 0, asking.output());
    assert.deepEqual(asking.output().trimEnd().split('\n'), prints);
  });
}
