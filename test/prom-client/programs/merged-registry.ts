/** Registries that are merged into one, which has default labels and a later metric of its own. */
import { client, samplesOf } from './client.js';
import { answer, isHelper, startHelper } from './helpers.js';

const [app, library] = [new client.Registry(), new client.Registry()];
app.setDefaultLabels({ from: 'app' });
new client.Counter({ name: 'app_total', help: 'A.', registers: [app] }).inc();
new client.Counter({ name: 'library_total', help: 'L.', registers: [library] }).inc();
const merged = client.Registry.merge([app, library]);
merged.setDefaultLabels({ service: 'shop' });
new client.Counter({ name: 'later_total', help: 'L.', registers: [merged] }).inc();

if (isHelper) {
  answer(async () => samplesOf(await merged.metrics(), /./));
} else {
  void (async () => {
    const helper = await startHelper();
    for (const line of (await helper.ask()) as string[]) console.log(line);
    helper.end();
  })();
}
