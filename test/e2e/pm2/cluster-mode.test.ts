import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { valueOf } from '../../support/exposition-parser.js';
import { eventually } from '../../support/pm2.js';
import { order, ordersIn, pidsIn, scrapeEach } from './customers.js';
import { testInstances } from './instances.js';

const tested = testInstances('cluster');

test('while old and new instances run during a reload, live gauges show both', async () => {
  const shop = tested.shop();
  const release = join(shop.pm2.home, 'release');
  await shop.start({ env: { ENDING: 'lingering', RELEASE: release }, kill_timeout: 45_000 });
  await order(shop.ports, 4);
  const counted = await shop.total();
  const old = shop.pids;
  const reloaded = shop.pm2.run(['reload', 'shop']);
  // PM2 replaces one instance after the other, and continues when the old one has ended
  const fresh = await eventually('a new instance', () => shop.pids.find((pid) => !old.includes(pid)));
  const [text] = await scrapeEach([fresh], shop.ports);
  assert.deepEqual(
    pidsIn(text, 'shop_worker'),
    [...old, fresh].toSorted((a, b) => a - b),
  );
  assert.equal(valueOf(text, 'shop_workers'), 3);
  assert.equal(ordersIn(text), counted);
  writeFileSync(release, '');
  await reloaded;
  const pids = await shop.instancesUp(2, old);
  for (const after of await scrapeEach(pids, shop.ports)) {
    assert.deepEqual(pidsIn(after, 'shop_worker'), pids);
    assert.equal(valueOf(after, 'shop_workers'), 2);
    assert.equal(ordersIn(after), counted);
  }
});
