/** Processes that can serve the merged metrics over HTTP. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertSound, type Member, scrape, startCluster, startMember, written } from '../support/cluster.js';
import { valueOf } from '../support/exposition-parser.js';
import { ask } from '../support/http-request.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

async function serve(member: Member): Promise<string> {
  return member.run(async ({ prom, kept }) => {
    kept.server = await prom.startHttpServer({ port: 0 });
    return `${kept.server.url}/metrics`;
  });
}

async function count(member: Member): Promise<void> {
  await member.run(({ prom, kept }) => {
    kept.jobs ??= new prom.Counter({ name: 'jobs_total', help: 'Jobs' });
    kept.jobs.inc();
  });
}

async function fetched(url: string): Promise<number | undefined> {
  await written();
  const { status, text } = await ask(url);
  assert.equal(status, 200, text);
  assertSound(text);
  return valueOf(text, 'jobs_total');
}

test('the primary, a worker, a thread, and a sidecar that was started first return the same totals', async (t) => {
  const dir = join(withTempDir(t), 'metrics');
  const sidecar = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
  const urls = [await serve(sidecar)];
  assert.equal(await fetched(urls[0]), undefined);
  assert.equal(existsSync(dir), false, 'a reader makes nothing');
  const { primary, workers } = await startCluster(t, dir);
  for (const worker of workers) await count(worker);
  const thread = await workers[1].thread();
  await count(thread);
  for (const member of [primary, workers[0], thread]) urls.push(await serve(member));
  for (const url of urls) assert.equal(await fetched(url), 3);
  await workers[1].kill('SIGKILL');
  for (const url of urls.slice(0, 3)) assert.equal(await fetched(url), 3);
  for (const member of [workers[0], primary]) await member.kill('SIGKILL');
  assert.equal(await fetched(urls[0]), 3, 'the sidecar goes on with all of them dead');
});

test('a gauge with collect() in a worker has a fresh value when another process serves, every 5 s', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t), 1);
  await workers[0].run(({ prom, kept }) => {
    kept.runs = 0;
    new prom.Gauge({
      name: 'queue_length',
      help: 'Queue',
      async collect() {
        this.set(++kept.runs);
        await new Promise((resolve) => setTimeout(resolve, 1));
      },
    });
  });
  const shown = async (member: Member): Promise<number> => valueOf(await scrape(member), 'queue_length') ?? 0;
  const collected = await until(async () => (await shown(primary)) || undefined);
  // and at once in the process that serves
  assert.ok((await shown(workers[0])) > collected);
});

test('an idle worker exits, though its metrics are maintained in the background', async (t) => {
  const primary = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: withTempDir(t) });
  const how = await primary.run(
    async ({ require }, root) => {
      const { spawn } = require('node:child_process');
      const script = `
      const { Counter, Gauge, register } = require(${JSON.stringify(root)});
      new Counter({ name: 'jobs_total', help: 'Jobs' }).inc();
      new Gauge({ name: 'hangs', help: 'x', collect: () => new Promise(() => {}) });
      register.getMetricsAsArray();`;
      const child = spawn(process.execPath, ['-e', script], { stdio: 'inherit' });
      return new Promise((resolve) => child.on('exit', (code: number) => resolve(code)));
    },
    join(__dirname, '../../src/root.js'),
  );
  assert.equal(how, 0);
  assert.equal(valueOf(await scrape(primary), 'jobs_total'), 1);
});
