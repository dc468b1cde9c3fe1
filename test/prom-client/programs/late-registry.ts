/** A registry that is made after the modules have loaded: one for good, and then another one at the same place. */
import { client, samplesOf } from './client.js';
import { answer, isHelper, startHelper } from './helpers.js';

type Registry = InstanceType<typeof client.Registry>;

function make(): Registry {
  const registry = new client.Registry();
  new client.Counter({ name: 'jobs_total', help: 'J.', registers: [registry] }).inc();
  return registry;
}

let registry: Registry;
const ANSWERS: Record<string, () => unknown> = {
  make: () => void (registry = make()),
  // a minute of this process's own clock: registries are trusted after ten seconds
  wait: () => {
    const now = performance.now.bind(performance);
    performance.now = () => now() + 60_000;
  },
  makeAnother: async () => {
    make();
    // a thread whose main thread was too busy to map its file writes it when it serves, or 250 ms later
    await client.register.metrics();
  },
  show: async () => samplesOf(await registry.metrics(), /./),
};

async function ask(): Promise<void> {
  const helpers = [await startHelper(), await startHelper()];
  const askAll = async (question: string): Promise<string> =>
    (await Promise.all(helpers.map((helper) => helper.ask(question)))).join();
  await askAll('make');
  console.log(`young: ${await askAll('show')}`);
  await askAll('wait');
  await askAll('show');
  console.log(`old: ${await askAll('show')}`);
  await helpers[0].ask('makeAnother');
  console.log(`one of two: ${await askAll('show')}`);
  for (const helper of helpers) helper.end();
}

if (isHelper) answer((question) => ANSWERS[question]());
else void ask();
