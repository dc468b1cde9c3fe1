/** The ecosystem files in examples/pm2, unchanged. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { valueOf } from '../../support/exposition-parser.js';
import { eventually, Pm2 } from '../../support/pm2.js';
import { freePort } from '../../support/program.js';
import { order, ordersIn, scrapeAt, visit } from './customers.js';

/** The sources: they are plain JavaScript, and run in their place. */
const EXAMPLES = join(__dirname, '../../../../examples/pm2');
const SCRIPT = join(EXAMPLES, 'app.js');

const pm2 = new Pm2();
after(() => pm2.end());

async function startExample(file: string, env: Record<string, string>, only: string[] = []): Promise<void> {
  await pm2.run(['start', join(EXAMPLES, file), ...only.flatMap((name) => ['--only', name])], env);
}

/** Waits until a process listens on each port. */
async function listening(...ports: number[]): Promise<void> {
  for (const port of ports) {
    await eventually(`a listener on ${port}`, () =>
      visit(port, '/metrics').then(
        () => true,
        () => false,
      ),
    );
  }
}

test('ecosystem.config.cjs: two separate apps, and a sidecar that serves one of them, alive or not', async () => {
  const [shop, backOffice, sidecar] = [await freePort(), await freePort(2), await freePort()];
  const env = { SHOP_PORT: String(shop), BACK_OFFICE_PORT: String(backOffice), METRICS_PORT: String(sidecar) };
  for (const name of ['shop', 'back-office']) pm2.directoryOf({ name, script: SCRIPT });

  await startExample('ecosystem.config.cjs', env, ['shop-metrics']);
  await listening(sidecar);
  assert.equal(ordersIn((await scrapeAt(sidecar)).text), 0, 'before there is anything to serve');

  await startExample('ecosystem.config.cjs', env);
  await listening(shop, backOffice, backOffice + 1);
  await order([shop], 6);
  await order([backOffice, backOffice + 1], 4);
  assert.equal(ordersIn((await scrapeAt(shop)).text), 6);
  assert.equal(ordersIn((await scrapeAt(sidecar)).text), 6);
  for (const port of [backOffice, backOffice + 1]) assert.equal(ordersIn((await scrapeAt(port)).text), 4);

  await pm2.run(['stop', 'shop']);
  const { text } = await scrapeAt(sidecar);
  assert.equal(ordersIn(text), 6);
  assert.equal(valueOf(text, 'order_duration_seconds_count'), 6);
  assert.equal(valueOf(text, 'prom_multiproc_processes', { state: 'live' }), 0);
  await pm2.run(['delete', 'all']);
});

test('preload.config.cjs: an app that uses prom-client shows the metrics of all its instances', async () => {
  const port = await freePort();
  pm2.directoryOf({ name: 'prom-client-app', script: join(EXAMPLES, 'prom-client-app.js') });
  await startExample('preload.config.cjs', { PRELOAD_PORT: String(port) });
  await listening(port);
  // one instance listens before the other has started
  await eventually('both instances count', async () => {
    const { text } = await scrapeAt(port);
    return valueOf(text, 'prom_multiproc_processes', { state: 'live' }) === 2;
  });
  await order([port], 10);
  for (let scrapes = 0; scrapes < 4; scrapes++) {
    const { text } = await scrapeAt(port);
    assert.equal(ordersIn(text), 10);
    assert.equal(valueOf(text, 'prom_multiproc_processes', { state: 'live' }), 2);
  }
  await pm2.run(['delete', 'all']);
});

test('apps with one common directory are served together', async () => {
  const [one, other] = [await freePort(), await freePort()];
  const PROMETHEUS_MULTIPROC_DIR = join(pm2.home, 'metrics');
  const app = (name: string, port: number) => ({
    name,
    script: SCRIPT,
    env: { PORT: String(port), PROMETHEUS_MULTIPROC_DIR },
  });
  await pm2.start(app('one', one), app('other', other));
  await listening(one, other);
  await order([one, other], 6);
  for (const port of [one, other]) assert.equal(ordersIn((await scrapeAt(port)).text), 6);
});
