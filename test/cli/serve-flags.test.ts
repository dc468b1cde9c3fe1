/** The flags of `serve` that decide what is shown and kept. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { addDead, DeadProcess } from '../support/dead-process.js';
import { ask } from '../support/http-request.js';
import { startCli, until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

const OPENMETRICS = 'application/openmetrics-text;version=1.0.0';

/** Starts `serve`, and returns a function that scrapes it. */
async function serve(t: TestContext, dir: string, ...flags: string[]): Promise<(accept?: string) => Promise<string>> {
  const server = startCli(t, ['serve', '--dir', dir, '--web.listen-address', '127.0.0.1:0', ...flags]);
  const [, url] = await server.printed(/on (http:\S+)\n/);
  return async (accept = 'text/plain') => (await ask(url, { headers: { accept } })).text;
}

function archivesIn(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.startsWith('archive'));
}

test('--strict names counters as other libraries of OpenMetrics do', async (t) => {
  const dir = withTempDir(t);
  new DeadProcess(dir).count('jobs', {}, 3).die();
  const [asItIs, strict] = [await serve(t, dir), await serve(t, dir, '--strict')];
  assert.match(await asItIs(OPENMETRICS), /^jobs 3$/m);
  assert.match(await strict(OPENMETRICS), /^jobs_total 3$/m);
  assert.match(await strict(), /^jobs 3$/m, 'only in OpenMetrics');
});

test('--dead-retention ends the gauges of dead processes, and --web.telemetry-path moves the metrics', async (t) => {
  const dir = withTempDir(t);
  new DeadProcess(dir)
    .set('size', 'max', {}, 7, Date.now() / 1000)
    .count('jobs_total', {}, 1)
    .die();
  const kept = await serve(t, dir, '--web.telemetry-path', '/numbers');
  const expiring = await serve(t, dir, '--dead-retention', '1');
  await until(async () => !/^size/m.test(await expiring()));
  assert.match(await expiring(), /^jobs_total 1$/m);
  assert.match(await kept(), /^size 7$/m);
});

test('--fold-files decides how many dead processes are folded, and --no-fold folds none', async (t) => {
  const dir = withTempDir(t);
  addDead(dir, 20);
  const [never, later] = [await serve(t, dir, '--no-fold'), await serve(t, dir, '--fold-files', '21')];
  for (const scrape of [never, later, never, later]) assert.match(await scrape(), /^jobs_total 20$/m);
  assert.deepEqual(archivesIn(dir), []);
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  assert.match(await never(), /^jobs_total 21$/m);
  assert.deepEqual(archivesIn(dir), []);
  assert.match(await later(), /^jobs_total 21$/m);
  await until(() => archivesIn(dir).length > 0);
  assert.match(await never(), /^jobs_total 21$/m);
});

test('--registry shows the registries that are named', async (t) => {
  const dir = withTempDir(t);
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  const [all, other] = [await serve(t, dir), await serve(t, dir, '--registry', 'other')];
  assert.match(await all(), /^jobs_total 1$/m);
  assert.doesNotMatch(await other(), /jobs_total/);
  assert.match(await (await serve(t, dir, '--registry', 'other', 'default'))(), /^jobs_total 1$/m);
});
