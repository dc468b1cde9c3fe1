/** The ways in which PM2 ends an app's instances, and those in which they end by themselves: tests for both modes. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AggregatorRegistry, MultiprocessCollector } from 'prom-multiproc';
import { BEHIND_MS, linesOf } from '../../support/cluster.js';
import { valueOf } from '../../support/exposition-parser.js';
import { eventually, Pm2 } from '../../support/pm2.js';
import { order, ordersIn, pidsIn, scrapeAt, scrapeEach, underOrders, visit, written } from './customers.js';
import { type Mode, MAX_INSTANCES, Shop } from './shop.js';

/** By `workerLabel()`: one living instance for each number. */
const SLOTS = ['shop_slot{worker="0"} 1', 'shop_slot{worker="1"} 1'];

/** Registers the tests with the calling file. The shop exists once they run. */
export function testInstances(mode: Mode): { shop(): Shop } {
  const pm2 = new Pm2();
  let shop: Shop;
  before(async () => (shop = await Shop.open(pm2, mode)));
  after(() => pm2.end());

  test('every instance returns the metrics of all', async () => {
    await order(shop.ports, 10);
    for (const text of await scrapeEach(shop.pids, shop.ports)) {
      assert.equal(valueOf(text, 'orders_total', { product: 'tea' }), 10);
      assert.equal(valueOf(text, 'order_seconds_count'), 10);
      assert.equal(valueOf(text, 'shop_workers'), 2);
      assert.deepEqual(pidsIn(text, 'shop_worker'), shop.pids);
      assert.deepEqual(linesOf(text, 'shop_slot'), SLOTS);
    }
    assert.equal(await shop.total(), 10, 'the directory is the one that pm2Directory names');
  });

  test('a registry without a name is merged too, and objects are those of one instance', async () => {
    for (const port of shop.ports) {
      assert.equal(valueOf((await visit(port, '/own')).text, 'own_visits_total'), 10);
    }
    const objects = new Map<string, object[]>();
    await eventually('objects of both instances', async () => {
      for (const port of shop.ports) {
        const { headers, text } = await visit(port, '/json');
        objects.set(String(headers['x-pid']), JSON.parse(text) as object[]);
      }
      return objects.size === 2 ? true : undefined;
    });
    const sum = await AggregatorRegistry.aggregate([...objects.values()]).metrics();
    assert.equal(ordersIn(sum), 10);
  });

  test('after a reload under load, every confirmed order counts once', async () => {
    const counted = await shop.total();
    const old = shop.pids;
    const { answered, lost } = await underOrders(shop.ports, counted, async () => {
      await pm2.run(['reload', 'shop']);
      await shop.instancesUp(2, old);
    });
    assert.ok(answered > 0);
    // lost orders found a port closed, or an instance that closed its idle connections before it had read anything
    const total = await shop.total();
    assert.ok(counted + answered <= total && total <= counted + answered + lost);
  });

  test('after a stop and a start, the counts continue', async () => {
    const counted = await shop.total();
    await pm2.run(['stop', 'shop']);
    assert.deepEqual(shop.pids, []);
    assert.equal(await shop.total(), counted);
    await pm2.run(['start', 'shop']);
    const pids = await shop.instancesUp(2);
    await order(shop.ports, 4);
    for (const text of await scrapeEach(pids, shop.ports)) assert.equal(ordersIn(text), counted + 4);
  });

  test('an instance that is killed by SIGKILL under load loses no confirmed order', async () => {
    const counted = await shop.total();
    const [killed] = shop.pids;
    const kill = async (): Promise<void> => {
      process.kill(killed, 'SIGKILL');
      await shop.instancesUp(2, [killed]);
    };
    const { answered, lost } = await underOrders(shop.ports, counted, kill, { kills: true });
    const total = await shop.total();
    if (BEHIND_MS === 0) assert.ok(total >= counted + answered);
    assert.ok(total <= counted + answered + lost, 'an order that the kill cut off may have been counted already');
    const { text } = await scrapeAt(shop.ports[0]);
    assert.deepEqual(pidsIn(text, 'shop_worker'), shop.pids);
    assert.equal(valueOf(text, 'shop_workers'), 2);
    assert.deepEqual(linesOf(text, 'shop_slot'), SLOTS, 'its successor has its workerLabel()');
  });

  test('each instance knows how many had its slot before, as pm2 counts them', async () => {
    const [{ pid: crashed }] = await pm2.described('shop');
    process.kill(crashed, 'SIGKILL');
    await shop.instancesUp(2, [crashed]);
    const described = await pm2.described('shop');
    assert.ok(described.some(({ restarts }) => restarts > 0));
    const collector = new MultiprocessCollector({ dir: shop.directory });
    const known = new Map((await collector.processes()).map(({ pid, vitals }) => [pid, vitals?.restarts]));
    await collector.close();
    assert.deepEqual(
      described.map(({ pid }) => known.get(pid)),
      described.map(({ restarts }) => restarts),
    );
  });

  for (const [product, what] of [
    ['throw', 'an uncaught throw'],
    ['leak', 'a heap out-of-memory'],
  ]) {
    test(`${what} ends an instance and loses no count`, async () => {
      await order(shop.ports, 4);
      const counted = await shop.total();
      const old = shop.pids;
      // on a busy machine it takes longer to run out of memory
      await assert.rejects(visit(shop.ports[0], `/${product}`, 60_000), { code: 'ECONNRESET' });
      await eventually('another instance', () => shop.pids.length === 2 && shop.pids.join() !== old.join());
      const pids = await shop.instancesUp(2);
      // counted before the end; when a process runs out of memory, it cannot write a file that is not mapped
      const kept = product === 'leak' && BEHIND_MS > 0 ? 0 : 1;
      for (const text of await scrapeEach(pids, shop.ports)) {
        assert.equal(ordersIn(text), counted + kept);
        assert.deepEqual(pidsIn(text, 'shop_worker'), pids);
      }
    });
  }

  test('when the app is scaled up and down, gauges follow and counts stay', async () => {
    const counted = await shop.total();
    await pm2.run(['scale', 'shop', String(MAX_INSTANCES)]);
    const many = await shop.instancesUp(MAX_INSTANCES);
    await order(shop.allPorts, 6);
    for (const text of await scrapeEach(many, shop.allPorts)) {
      assert.equal(ordersIn(text), counted + 6);
      assert.equal(valueOf(text, 'shop_workers'), MAX_INSTANCES);
    }
    await pm2.run(['scale', 'shop', '1']);
    const left = await shop.instancesUp(1);
    const [text] = await scrapeEach(left, shop.allPorts);
    assert.equal(ordersIn(text), counted + 6);
    assert.equal(valueOf(text, 'shop_workers'), 1);
    assert.deepEqual(pidsIn(text, 'shop_worker'), left);
    for (const pid of many) assert.ok(pidsIn(text, 'shop_every_worker').includes(pid), 'mode all keeps the dead');
  });

  for (const [ending, handler] of [
    ['default', 'no SIGINT handler'],
    ['deaf', 'a SIGINT handler that does nothing'],
  ]) {
    test(`instances with ${handler} keep their counts over reload and stop`, async () => {
      await shop.start({ env: { ENDING: ending }, kill_timeout: 200 });
      const counted = await shop.total();
      await order(shop.ports, 4);
      await written();
      const old = shop.pids;
      await pm2.run(['reload', 'shop']);
      const pids = await shop.instancesUp(2, old);
      await order(shop.ports, 4);
      for (const text of await scrapeEach(pids, shop.ports)) {
        assert.equal(ordersIn(text), counted + 8);
        assert.deepEqual(pidsIn(text, 'shop_worker'), pids);
      }
      await pm2.run(['stop', 'shop']);
      assert.equal(await shop.total(), counted + 8);
    });
  }

  return { shop: () => shop };
}
