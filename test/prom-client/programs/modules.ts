/** Modules make registries of their own as they load, in another order in one of the processes, with one name in both. */
import { client, samplesOf } from './client.js';
import { answer, isHelper, startHelper } from './helpers.js';

const shop = () => {
  const registry = new client.Registry();
  new client.Counter({ name: 'hits_total', help: 'H.', registers: [registry] }).inc(1);
  new client.Counter({ name: 'shop_orders_total', help: 'S.', registers: [registry] }).inc(1);
  return registry;
};
const admin = () => {
  const registry = new client.Registry();
  new client.Counter({ name: 'hits_total', help: 'H.', registers: [registry] }).inc(10);
  new client.Counter({ name: 'admin_logins_total', help: 'A.', registers: [registry] }).inc(1);
  return registry;
};

const loaded: Record<string, InstanceType<typeof client.Registry>> = {};
if (isHelper) {
  // PM2 tells its instances apart by a number
  const order = process.env.ORDER ?? (process.env.NODE_APP_INSTANCE === '0' ? 'shop,admin' : 'admin,shop');
  for (const name of order.split(',')) loaded[name] = name === 'shop' ? shop() : admin();
  answer(async (name) => samplesOf(await loaded[name].metrics(), /./));
} else {
  void (async () => {
    const helpers = [await startHelper({ ORDER: 'shop,admin' }), await startHelper({ ORDER: 'admin,shop' })];
    for (const name of ['shop', 'admin']) {
      for (const line of await helpers[0].ask(name)) console.log(`${name}: ${line}`);
    }
    for (const helper of helpers) helper.end();
  })();
}
