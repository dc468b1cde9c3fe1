/** The requests for the status page and its data. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { DirectoryStatus } from '../../../src/collector/directory-status.js';
import { MultiprocessCollector } from '../../../src/collector/multiprocess-collector.js';
import { PromMultiprocError } from '../../../src/errors.js';
import { startMember, written } from '../../support/cluster.js';
import { collectorOf } from '../../support/collector.js';
import { DeadProcess } from '../../support/dead-process.js';
import { fixedSource } from '../../support/fixed-source.js';
import { ask } from '../../support/http-request.js';
import { pythonFile, pythonKey } from '../../support/python-file.js';
import { withTempDir } from '../../support/temp-dir.js';
import { until } from '../../support/program.js';
import { serving, servingDirectory } from '../serving.js';

test('the landing page links to the status, unless it is turned off or the source has none', async (t) => {
  const dir = withTempDir(t);
  const link = /<a href="\.\/status">Status<\/a>/;
  const { url } = await servingDirectory(t, dir);
  assert.match((await ask(`${url}/`)).text, link);
  assert.equal((await ask(`${url}/status`)).status, 200);

  for (const without of [await servingDirectory(t, dir, { status: false }), await serving(t)]) {
    assert.doesNotMatch((await ask(`${without.url}/`)).text, link);
    assert.equal((await ask(`${without.url}/status`)).status, 404);
    assert.equal((await ask(`${without.url}/status/data.json`)).status, 404);
  }
});

test('a page of the user at /status goes before', async (t) => {
  const route = { path: '/status', handler: (_req: unknown, res: any) => res.end('mine') };
  const { url } = await servingDirectory(t, withTempDir(t), { routes: [route] });
  assert.equal((await ask(`${url}/status`)).text, 'mine');
});

test('the option takes true and false', async (t) => {
  await assert.rejects(serving(t, { status: 'yes' as never }), { code: 'ERR_INVALID_ARGUMENT' });
});

test('all that the page asks for is there, from this server, and runs under a strict policy', async (t) => {
  const { url } = await servingDirectory(t, withTempDir(t));
  const { text, headers } = await ask(`${url}/status`);
  assert.equal(
    headers['content-security-policy'],
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  );
  assert.doesNotMatch(text, /<style|style=|\son\w+=|https?:|<script>/);
  const types = { mjs: 'text/javascript', js: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };
  const waiting = [...text.matchAll(/(?:src|href)="(status\/[^"]+)"/g)].map(([, address]) => address);
  assert.equal(waiting.length, 5);
  const seen = new Set(waiting);
  for (const address of waiting) {
    const part = await ask(`${url}/${address}`);
    assert.equal(part.status, 200, address);
    const type = types[address.split('.').at(-1) as keyof typeof types];
    assert.ok(part.headers['content-type']?.startsWith(type), address);
    assert.equal(part.headers['x-content-type-options'], 'nosniff');
    for (const [, name] of part.text.matchAll(/^import .* from '\.\/([\w-]+\.mjs)';$/gm)) {
      if (!seen.has(`status/${name}`)) waiting.push(`status/${name}`);
      seen.add(`status/${name}`);
    }
  }
  assert.equal(waiting.filter((address) => address.endsWith('.mjs')).length, 12);
});

test('parts that have not changed are not sent again, and none but the listed are to be had', async (t) => {
  const { url } = await servingDirectory(t, withTempDir(t));
  const { etag } = (await ask(`${url}/status/page.css`)).headers;
  const again = await ask(`${url}/status/page.css`, { headers: { 'If-None-Match': etag } });
  assert.deepEqual([again.status, again.text], [304, '']);
  for (const path of [
    '/status/',
    '/status/client/page.mjs',
    '/status/page.d.mts',
    '/status/../status',
    '/status/%2e%2e',
  ]) {
    assert.ok([400, 404].includes((await ask(url, { path })).status), path);
  }
  for (const path of ['/status', '/status/page.css', '/status/data.json']) {
    assert.equal((await ask(`${url}${path}`, { method: 'POST' })).status, 405);
    const head = await ask(`${url}${path}`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
  }
});

test('the numbers are those of the directory: processes, sizes of metrics, skipped files, folding, charts', async (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  const member = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
  await member.run(({ prom }) => {
    const small = new prom.Counter({ name: 'small_total', help: 'Small' });
    small.inc(3);
    const large = new prom.Histogram({ name: 'large_seconds', help: 'Large', labelNames: ['n'], buckets: [1] });
    for (let n = 0; n < 7; n++) large.observe({ n }, n);
  });
  await written();
  writeFileSync(join(dir, '12-0-00000000000000aa.prom-mp'), 'nothing of ours');
  const { url } = await servingDirectory(t, dir);
  const answer = await ask(`${url}/status/data.json?chart=total/small_total&chart=/missing`);
  assert.equal(answer.headers['content-type'], 'application/json; charset=utf-8');
  assert.equal(answer.headers['cache-control'], 'no-store');
  const status = JSON.parse(answer.text) as DirectoryStatus;
  assert.equal(status.dir, dir);
  assert.deepEqual(
    status.processes.map(({ pid, thread, state, series }) => ({ pid, thread, state, series })),
    [{ pid: member.pid, thread: 0, state: 'live', series: 8 }],
  );
  assert.deepEqual(status.families.slice(0, 2), [
    { name: 'large_seconds', type: 'histogram', help: 'Large', series: 7, newSeries: 7, lines: 28 },
    { name: 'small_total', type: 'counter', help: 'Small', series: 1, newSeries: 1, lines: 1 },
  ]);
  assert.deepEqual(
    status.skippedFiles.map(({ name, reason }) => [name, reason]),
    [['12-0-00000000000000aa.prom-mp', 'not_a_metrics_file']],
  );
  assert.equal(status.stats.skipped.not_a_metrics_file, 1);
  assert.deepEqual(status.folding, {
    generation: 0,
    foldedFiles: 0,
    waitingFiles: 0,
    waitingBytes: 0,
    droppedSeries: 0,
    droppedFamilies: 0,
    expiredSeries: 0,
  });
  assert.deepEqual(status.charts[0]?.lines, [{ name: 'small_total', value: 3 }]);
  assert.equal(status.charts[1], null);
});

test("client_python's files are in the numbers of the page, with their kind", async (t) => {
  const dir = withTempDir(t);
  const entry = { key: pythonKey('jobs', 'jobs_total', {}, 'Jobs'), value: 3 };
  writeFileSync(join(dir, 'counter_4194304.db'), pythonFile([entry], true));
  new DeadProcess(dir).count('orders_total', {}, 1).die();
  const { url } = await servingDirectory(t, dir);
  const { text } = await ask(`${url}/status/data.json?chart=total/jobs_total`);
  const { processes, families, charts } = JSON.parse(text) as DirectoryStatus;
  assert.deepEqual(processes.map(({ kind, state, series }) => `${kind} ${state} ${series}`).toSorted(), [
    'node dead 1',
    'python unknown 1',
  ]);
  assert.deepEqual(
    families.find(({ name }) => name === 'jobs_total'),
    { name: 'jobs_total', type: 'counter', help: 'Jobs', series: 1, newSeries: 1, lines: 1 },
  );
  assert.deepEqual(charts[0]?.lines, [{ name: 'jobs_total', value: 3 }]);
});

test('the dead wait to be folded, and then are in the archive', async (t) => {
  const dir = withTempDir(t);
  const member = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
  await member.run(({ prom }) => new prom.Counter({ name: 'jobs_total', help: 'Jobs' }).inc(5));
  await member.kill();
  const { url } = await servingDirectory(t, dir);
  const look = async (): Promise<DirectoryStatus> =>
    JSON.parse((await ask(`${url}/status/data.json?chart=total/jobs_total`)).text) as DirectoryStatus;

  const before = await look();
  assert.deepEqual([before.processes[0].state, before.folding.generation, before.folding.waitingFiles], ['dead', 0, 1]);
  assert.ok(before.folding.waitingBytes > 0);

  const folder = new MultiprocessCollector({ dir });
  await folder.fold();
  await folder.close();
  const after = await look();
  assert.deepEqual(
    [after.processes.length, after.folding.generation, after.folding.foldedFiles, after.folding.waitingFiles],
    [0, 1, 1, 0],
  );
  assert.deepEqual(after.charts[0]?.lines, [{ name: 'jobs_total', value: 5 }]);
});

test('requests for charts that are none are refused', async (t) => {
  const { url } = await servingDirectory(t, withTempDir(t));
  const tooMany = Array.from({ length: 9 }, (_, at) => `chart=/m${at}`).join('&');
  for (const query of ['chart=', 'chart=no-slash', 'chart=total/', 'chart=pie/up', tooMany]) {
    assert.equal((await ask(`${url}/status/data.json?${query}`)).status, 400, query);
  }
  const many = `${url}/status/data.json?chart=/${'m'.repeat(2000)}&unknown=1`;
  assert.deepEqual(JSON.parse((await ask(many)).text).charts, [null]);
});

test('trouble is told without paths; the operator hears of it once', async (t) => {
  const failing = {
    ...fixedSource('up 1\n'),
    status: () => Promise.reject(new PromMultiprocError('ERR_PERMISSION', 'cannot read /secret/place')),
  };
  const { url, warnings } = await serving(t, { source: failing });
  for (let look = 0; look < 3; look++) {
    const { status, text } = await ask(`${url}/status/data.json`);
    assert.equal(status, 503);
    assert.deepEqual(JSON.parse(text), {
      error: 'the metrics directory could not be read (ERR_PERMISSION); the reason is in the log',
    });
  }
  assert.deepEqual(warnings, ['the status could not be read: cannot read /secret/place']);
});

test('a process that counts in memory says that there is no directory', async (t) => {
  const member = await startMember(t, {});
  const answer = await member.run(async ({ prom }) => {
    const server = await prom.startHttpServer({ port: 0 });
    const { status, ok } = await fetch(`${server.url}/status/data.json`);
    const page = await fetch(`${server.url}/status`);
    await server.close();
    return { status, ok, page: page.status };
  });
  assert.deepEqual(answer, { status: 503, ok: false, page: 200 });
  assert.equal(member.output, '');
});

test('the server keeps the last minutes: what happened before the page was opened, and searches all metrics', async (t) => {
  const dir = withTempDir(t);
  const member = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
  await member.run(({ prom }) => {
    new prom.Counter({ name: 'jobs_total', help: 'Letters that were sent', labelNames: ['queue'] }).inc({
      queue: 'mail',
    });
    new prom.Counter({ name: 'other_total', help: 'Others' }).inc();
  });
  await written();
  // a process measures itself a turn after its first metric
  const collector = collectorOf(t, dir);
  await until(async () => (await collector.processes())[0]?.vitals?.residentBytes);
  const { url } = await servingDirectory(t, dir);
  const recorded = async (): Promise<any> => JSON.parse((await ask(`${url}/status/history.json`)).text);
  await until(async () => (await recorded()).times.length > 0);
  const { workers, charts } = await recorded();
  assert.deepEqual([workers[0].name, workers[0].memory.length], [String(member.pid), 1]);
  assert.ok(workers[0].memory[0] > 1e7);
  assert.deepEqual(
    charts.map((chart: any) => chart.request.metric),
    ['jobs_total'],
  );
  for (const search of ['JOBS', 'letters', 'queue', 'sent mail']) {
    const answer = await ask(`${url}/status/data.json?search=${encodeURIComponent(search)}`);
    const { families, foundCount } = JSON.parse(answer.text) as DirectoryStatus;
    assert.deepEqual([families.map(({ name }) => name), foundCount], [['jobs_total'], 1], search);
  }
});
