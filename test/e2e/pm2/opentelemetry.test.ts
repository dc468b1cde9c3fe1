import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { countsHits, openTelemetryLibraries, OTEL_REGISTER } from '../../libraries/opentelemetry-libraries.js';
import { ask } from '../../support/http-request.js';
import { eventually, Pm2 } from '../../support/pm2.js';
import { freePort } from '../../support/program.js';

const pm2 = new Pm2();
after(() => pm2.end());

test('under PM2 every request that an instrumentation library counts is in each scrape, before and after a SIGKILL', async () => {
  const port = await freePort();
  await pm2.start({
    name: 'otel',
    script: join(__dirname, '..', '..', 'libraries', 'programs', 'opentelemetry.js'),
    exec_mode: 'cluster',
    instances: 2,
    node_args: ['--import', OTEL_REGISTER],
    env: { PORT: String(port), LIBRARY: await openTelemetryLibraries() },
  });
  const visit = (path: string) => ask(`http://127.0.0.1:${port}${path}`);
  const hit = async (times: number): Promise<void> => {
    for (let at = 0; at < times; at++) assert.equal((await visit('/hit')).status, 200);
  };
  await eventually('both instances', () => pm2.pids('otel').length === 2);
  await eventually('an answer', async () => (await visit('/metrics').catch(() => undefined))?.status === 200);
  await hit(6);
  const assertCounted = (hits: number) =>
    eventually(`${hits} hits`, async () => countsHits((await visit('/metrics')).text, hits));
  await assertCounted(6);
  const before = pm2.pids('otel');
  process.kill(before[0], 'SIGKILL');
  await eventually('another instance', () => {
    const pids = pm2.pids('otel');
    return pids.length === 2 && !pids.includes(before[0]);
  });
  await assertCounted(6);
  await hit(3);
  await assertCounted(9);
});
