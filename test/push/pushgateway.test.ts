import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import promClient from 'prom-client';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Pushgateway, Registry } from 'prom-multiproc';
import { startCluster, written } from '../support/cluster.js';
import { parseExposition, type ParsedSample } from '../support/exposition-parser.js';
import { ask } from '../support/http-request.js';
import { localRegistry } from '../support/local-registry.js';
import { freePort, until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { has, needs } from '../support/needs.js';

let gateway: ChildProcess;
let url: string;

before(async () => {
  if (!has('pushgateway')) return;
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  gateway = spawn(
    'prometheus-pushgateway',
    // Debian's keeps its groups in a file of the system
    [`--web.listen-address=127.0.0.1:${port}`, '--persistence.file='],
    { stdio: 'ignore' },
  );
  await once(gateway, 'spawn');
  await until(isReady);
});

after(async () => {
  if (!has('pushgateway')) return;
  const exit = once(gateway, 'exit');
  gateway.kill();
  await exit;
});

async function isReady(): Promise<boolean> {
  if (gateway.exitCode !== null) throw new Error(`the Pushgateway has ended with ${gateway.exitCode}`);
  return ask(`${url}/-/ready`).then(
    ({ status }) => status === 200,
    () => false,
  );
}

/** What the gateway has of a job, without what it adds itself. */
async function pushed(job: string): Promise<ParsedSample[]> {
  const { text } = await ask(`${url}/metrics`);
  return parseExposition(text).samples.filter(
    ({ name, labels }) => labels.job === job && !/^push_(failure_)?time_seconds$/.test(name),
  );
}

async function values(job: string): Promise<Record<string, number>> {
  return Object.fromEntries((await pushed(job)).map(({ name, value }) => [name, value]));
}

test(
  'push replaces the group, pushAdd the metrics of the same names, delete takes all away',
  needs('pushgateway'),
  async () => {
    const registry = localRegistry();
    const one = new Gauge({ name: 'one', help: '1', registers: [registry] });
    const two = new Gauge({ name: 'two', help: '2', registers: [registry] });
    const job = new Pushgateway(url, {}, registry);
    one.set(1);
    two.set(2);
    const { resp, body } = await job.push({ jobName: 'batch' });
    assert.equal((resp as { statusCode: number }).statusCode, 200);
    assert.equal(body, '');
    assert.deepEqual(await values('batch'), { one: 1, two: 2 });

    registry.removeSingleMetric('two');
    one.set(10);
    await job.pushAdd({ jobName: 'batch' });
    assert.deepEqual(await values('batch'), { one: 10, two: 2 });

    await job.push({ jobName: 'batch' });
    assert.deepEqual(await values('batch'), { one: 10 });

    const answer = await job.delete({ jobName: 'batch' });
    assert.equal((answer.resp as { statusCode: number }).statusCode, 202);
    assert.deepEqual(await values('batch'), {});
  },
);

test(
  'groupings of any text arrive as they are, where prom-client is refused or misunderstood',
  needs('pushgateway'),
  async () => {
    const registry = localRegistry();
    new Counter({ name: 'texts_total', help: 'h', registers: [registry] }).inc();
    const texts = ['plain', '', 'a/b', '/', '.', '..', 'ü "quoted" \\ + % &?#', 'x@base64', '=', '語'];
    for (const [at, text] of texts.entries()) {
      await new Pushgateway(url, {}, registry).push({ jobName: `job ${at}/x`, groupings: { text, other: 'b' } });
      const [{ labels }] = await pushed(`job ${at}/x`);
      assert.deepEqual(labels, { instance: '', job: `job ${at}/x`, other: 'b', text });
    }
    const theirs = new promClient.Pushgateway(url, {}, registry);
    await assert.rejects(theirs.push({ jobName: 'a/b' }), /status 400/);
  },
);

test('the default metrics are pushed where they are asked for', needs('pushgateway'), async () => {
  const registry = localRegistry();
  collectDefaultMetrics({ register: registry });
  new Gauge({ name: 'rows', help: 'Rows', registers: [registry] }).set(3);
  await new Pushgateway(url, registry).push({ jobName: 'lean' });
  assert.deepEqual(await values('lean'), { rows: 3 });
  await new Pushgateway(url, { selfMetrics: true }, registry).push({ jobName: 'full' });
  const all = await values('full');
  assert.equal(all.rows, 3);
  assert.ok(all.process_resident_memory_bytes > 0 && all.nodejs_version_info === 1, JSON.stringify(all));
});

test('what is pushed under gzip, and of an OpenMetrics registry, is the same text', needs('pushgateway'), async () => {
  const registry = localRegistry();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  new Counter({ name: 'jobs_total', help: 'Jobs.', registers: [registry] }).inc(3);
  new Histogram({ name: 'size', help: 'Sizes.', buckets: [1], registers: [registry] }).observe(2);
  const headers = { 'Content-Encoding': 'gzip' };
  const options = { headers };
  await new Pushgateway(url, options, registry).push({ jobName: 'zipped' });
  assert.deepEqual(await values('zipped'), { jobs_total: 3, size_bucket: 1, size_sum: 2, size_count: 1 });
  await new Pushgateway(url, options, registry).delete({ jobName: 'zipped' });
  assert.deepEqual(options, { headers: { 'Content-Encoding': 'gzip' } });
});

test(
  'the request has the method, path, headers and body that the documentation gives them',
  needs('pushgateway'),
  async (t) => {
    const seen: object[] = [];
    const server = createHttpServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const body = Buffer.concat(chunks);
        const { method, url: path, headers } = request;
        const zipped = headers['content-encoding'] === 'gzip';
        const text = (zipped ? gunzipSync(body) : body).toString();
        seen.push({ method, path, zipped, type: headers['content-type'], own: headers['x-own'], text });
        response.end('fine');
      });
    }).listen(0, '127.0.0.1');
    t.after(() => server.close());
    await once(server, 'listening');
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/behind/a/proxy/`;
    const registry = localRegistry();
    new Gauge({ name: 'one', help: '1', registers: [registry] }).set(1);
    const type = 'text/plain; version=0.0.4; charset=utf-8';
    const text = '# HELP one 1\n# TYPE one gauge\none 1\n';

    const client = new Pushgateway(base, { headers: { 'X-Own': 'yes', 'Content-Encoding': 'gzip' } }, registry);
    assert.equal((await client.push({ jobName: 'j', groupings: { k: 'v' } })).body, 'fine');
    await client.delete({ jobName: 'j' });
    await new Pushgateway(base, { requireJobName: false }, registry).pushAdd({} as never);
    assert.deepEqual(seen, [
      { method: 'PUT', path: '/behind/a/proxy/metrics/job/j/k/v', zipped: true, type, own: 'yes', text },
      { method: 'DELETE', path: '/behind/a/proxy/metrics/job/j', zipped: false, type: undefined, own: 'yes', text: '' },
      { method: 'POST', path: '/behind/a/proxy/metrics', zipped: false, type, own: undefined, text },
    ]);
  },
);

test('errors are those of prom-client', needs('pushgateway'), async (t) => {
  const counts = localRegistry();
  new Counter({ name: 'contested', help: 'h', registers: [counts] });
  await new Pushgateway(url, {}, counts).push({ jobName: 'right' });
  const registry = localRegistry();
  new Gauge({ name: 'contested', help: 'h', registers: [registry] }).set(1);
  const theirRegistry = new promClient.Registry();
  new promClient.Gauge({ name: 'contested', help: 'h', registers: [theirRegistry] }).set(1);
  const errors: string[] = [];
  for (const client of [new Pushgateway(url, {}, registry), new promClient.Pushgateway(url, {}, theirRegistry)]) {
    for (const method of ['push', 'pushAdd', 'delete'] as const) {
      assert.throws(() => client[method]({} as never), { message: 'Missing jobName parameter' });
    }
    errors.push(await client.push({ jobName: 'wrong' }).then(String, (error: Error) => error.message));
  }
  assert.match(errors[0], /^push failed with status 400, /);
  // which of the two metrics the gateway names is chance: it walks over a map
  const [ours, theirs] = errors.map((error) => error.replace(/collected metric .*/s, ''));
  assert.equal(ours, theirs);

  const silent = createServer().listen(0, '127.0.0.1');
  t.after(() => silent.close());
  await once(silent, 'listening');
  const nowhere = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  await assert.rejects(new Pushgateway(nowhere, { timeout: 50 }, registry).delete({ jobName: 'j' }), {
    message: 'Pushgateway request timed out',
  });
  await assert.rejects(new Pushgateway('http://127.0.0.1:1', {}, registry).push({ jobName: 'j' }), {
    code: 'ECONNREFUSED',
  });
});

test('one worker pushes what all have counted', needs('pushgateway'), async (t) => {
  const { workers } = await startCluster(t, withTempDir(t));
  for (const worker of workers) {
    await worker.run(({ prom }) => new prom.Counter({ name: 'jobs_total', help: 'Jobs.' }).inc(4));
  }
  await written();
  await workers[0].run(async ({ prom }, to) => {
    await new prom.Pushgateway(to).push({ jobName: 'cluster', groupings: { instance: 'a' } });
  }, url);
  const samples = await pushed('cluster');
  assert.equal(samples.find(({ name }) => name === 'jobs_total')?.value, 8);
});

test('the registry may be the second argument, as in the successor of prom-client', () => {
  const registry = localRegistry();
  const pushgateway = new Pushgateway('http://127.0.0.1:9091', registry);
  assert.equal(pushgateway.registry, registry);
  assert.equal(pushgateway.requireJobName, true);
});
