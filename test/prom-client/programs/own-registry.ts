/** An application's own registry without a name, at the top of a module; the one that started the helpers counts too. */
import { client, samplesOf } from './client.js';
import { answer, isHelper, startHelper } from './helpers.js';

const registry = new client.Registry();
registry.setDefaultLabels({ app: 'shop' });
new client.Counter({ name: 'requests_total', help: 'R.', registers: [registry] }).inc(isHelper ? 1 : 100);
const show = async () => samplesOf(await registry.metrics(), /./);

if (isHelper) {
  answer(show);
} else {
  void (async () => {
    const helpers = [await startHelper(), await startHelper(), await startHelper()];
    for (const line of await show()) console.log(`main: ${line}`);
    for (const line of await helpers[0].ask()) console.log(`helper: ${line}`);
    for (const helper of helpers) helper.end();
  })();
}
