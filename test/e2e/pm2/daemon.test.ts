/** The end and the restart of PM2's daemon itself, with two apps under it: one in cluster mode, one in fork mode. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Pm2 } from '../../support/pm2.js';
import { order, ordersIn, scrapeEach } from './customers.js';
import { Shop } from './shop.js';

/** Other terminals and systemd have other environments than the shell from which the apps were started. */
const ANOTHER_SHELL = { TMPDIR: '/var/tmp', ANYTHING: 'else' };

const pm2 = new Pm2();
let shops: Shop[];
before(async () => {
  shops = [await Shop.open(pm2, 'cluster', 'shop'), await Shop.open(pm2, 'fork', 'annex')];
});
after(() => pm2.end());

/**
 * Orders at each shop, before and after something that replaces all instances: the counts continue, and each shop has its
 * own.
 */
async function goOnOver(...commands: string[][]): Promise<void> {
  const [counted, old] = [[] as number[], [] as number[]];
  for (const [at, shop] of shops.entries()) {
    await order(shop.ports, 4 + at);
    counted.push(await shop.total());
    old.push(...shop.pids);
  }
  for (const command of commands) await pm2.run(command, ANOTHER_SHELL);
  for (const [at, shop] of shops.entries()) {
    const pids = await shop.instancesUp(2, old);
    await order(shop.ports, 6);
    for (const text of await scrapeEach(pids, shop.ports)) assert.equal(ordersIn(text), counted[at] + 6);
    assert.equal(await shop.total(), counted[at] + 6, 'in the same directory');
  }
}

test('counts continue after save, kill and resurrect', async () => {
  await goOnOver(['save'], ['kill'], ['resurrect']);
});

test('counts continue after pm2 update', async () => {
  await goOnOver(['update']);
});

test('counts continue after a reload with the environment of another shell', async () => {
  await goOnOver(['reload', 'all', '--update-env']);
});

test('two apps under one daemon have separate counts', async () => {
  const [shop, annex] = shops;
  assert.notEqual(shop.directory, annex.directory);
  assert.deepEqual([await shop.total(), await annex.total()], [3 * (4 + 6), 3 * (5 + 6)]);
});
