/** An exporter of many targets makes a registry for each probe, in whichever of its helpers is asked. */
import { client, samplesOf } from './client.js';
import { answer, isHelper, startHelper } from './helpers.js';

async function probe(target: string): Promise<string[]> {
  const registers = [new client.Registry()];
  new client.Gauge({ name: 'probe_success', help: 'P.', registers, labelNames: ['target'] }).set({ target }, 1);
  new client.Gauge({ name: 'probe_duration_seconds', help: 'P.', registers }).set(1);
  return samplesOf(await registers[0].metrics(), /./);
}

async function ask(): Promise<void> {
  const helpers = [await startHelper(), await startHelper()];
  for (const target of ['a', 'b']) {
    for (const [at, helper] of helpers.entries()) {
      for (const line of await helper.ask(`${target}${at}`)) console.log(line);
    }
  }
  for (const helper of helpers) helper.end();
}

if (isHelper) answer(probe);
else void ask();
