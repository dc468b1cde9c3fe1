import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Counter, Histogram, Registry, writeToTextfile } from 'prom-multiproc';
import { afterTest } from '../support/after-test.js';
import { linesOf, startCluster, written } from '../support/cluster.js';
import { ask } from '../support/http-request.js';
import { localRegistry } from '../support/local-registry.js';
import { freePort, startProgram } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

/** Starts a node_exporter that has the textfile collector and no other; answers its address. */
async function startNodeExporter(t: TestContext, dir: string): Promise<string> {
  const port = await freePort();
  const exporter = startProgram(t, 'prometheus-node-exporter', [
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.disable-exporter-metrics',
    '--collector.disable-defaults',
    '--collector.textfile',
    `--collector.textfile.directory=${dir}`,
  ]);
  await exporter.printed(/Listening on/);
  return `http://127.0.0.1:${port}/metrics`;
}

test('node_exporter reads back what the workers of a cluster have counted', needs('node exporter'), async (t) => {
  const dir = withTempDir(t);
  const exporter = await startNodeExporter(t, dir);
  const { workers } = await startCluster(t, withTempDir(t));
  for (const worker of workers) {
    await worker.run(({ prom }) => {
      new prom.Counter({ name: 'jobs_total', help: 'Jobs.', labelNames: ['kind'] }).inc({ kind: 'a "b" \\ \n' }, 2);
      new prom.Histogram({ name: 'size', help: 'Sizes.', buckets: [1, 2.5] }).observe(2);
    });
  }
  await written();
  await workers[0].run(({ prom }, path) => prom.writeToTextfile(path), join(dir, 'app.prom'));
  const { text } = await ask(exporter);
  assert.deepEqual(linesOf(text, 'jobs_total'), ['jobs_total{kind="a \\"b\\" \\\\ \\n"} 4']);
  assert.deepEqual(linesOf(text, 'size'), [
    'size_bucket{le="1"} 0',
    'size_bucket{le="2.5"} 2',
    'size_bucket{le="+Inf"} 2',
    'size_sum 4',
    'size_count 2',
  ]);
  assert.deepEqual(linesOf(text, 'node_textfile_scrape_error'), ['node_textfile_scrape_error 0']);
});

test('two jobs beside one node_exporter are not in each other’s way', needs('node exporter'), async (t) => {
  const dir = withTempDir(t);
  const exporter = await startNodeExporter(t, dir);
  for (const job of ['backup', 'report']) {
    const { workers } = await startCluster(t, withTempDir(t));
    await workers[0].run(
      async ({ prom }, [path, name]) => {
        prom.collectDefaultMetrics();
        prom.collectDefaultMetrics({ prefix: `${name}_` });
        new prom.Gauge({ name: `${name}_last_success_seconds`, help: 'Success.' }).set(7);
        await prom.writeToTextfile(path);
      },
      [join(dir, `${job}.prom`), job] as const,
    );
  }
  const { status, text } = await ask(exporter);
  assert.equal(status, 200);
  for (const job of ['backup', 'report']) {
    assert.deepEqual(linesOf(text, `${job}_last_success_seconds`), [`${job}_last_success_seconds 7`]);
    assert.equal(linesOf(text, `${job}_process_resident_memory_bytes`).length, 1, 'a prefix is the job’s own');
  }
  assert.deepEqual(linesOf(text, 'node_textfile_scrape_error'), ['node_textfile_scrape_error 0']);
  for (const name of ['process_resident_memory_bytes', 'nodejs_version_info', 'prom_multiproc_processes']) {
    assert.deepEqual(linesOf(text, name), []);
  }
});

test('with selfMetrics a file has the default metrics too, and those of this package', async (t) => {
  const { workers } = await startCluster(t, withTempDir(t));
  const path = join(withTempDir(t), 'app.prom');
  await workers[0].run(async ({ prom }, file) => {
    prom.collectDefaultMetrics();
    await prom.writeToTextfile(file, { selfMetrics: true });
  }, path);
  const text = readFileSync(path, 'utf8');
  for (const name of ['process_resident_memory_bytes', 'nodejs_version_info', 'prom_multiproc_processes']) {
    assert.notEqual(linesOf(text, name).length, 0, name);
  }
});

test('an OpenMetrics registry is written as the text that node_exporter reads', async (t) => {
  const dir = withTempDir(t);
  const registry = localRegistry();
  registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  registry.setDefaultLabels({ zone: 'a' });
  new Counter({ name: 'jobs_total', help: 'Jobs.', registers: [registry] }).inc();
  new Histogram({ name: 'size', help: 'Sizes.', buckets: [1], registers: [registry] }).observe(2);
  const path = join(dir, 'app.prom');
  await writeToTextfile(path, { registry });
  assert.equal(
    readFileSync(path, 'utf8'),
    [
      '# HELP jobs_total Jobs.',
      '# TYPE jobs_total counter',
      'jobs_total{zone="a"} 1',
      '',
      '# HELP size Sizes.',
      '# TYPE size histogram',
      'size_bucket{le="1",zone="a"} 0',
      'size_bucket{le="+Inf",zone="a"} 1',
      'size_sum{zone="a"} 2',
      'size_count{zone="a"} 1',
      '',
    ].join('\n'),
  );
});

test('a reader finds the old file or the new one, whole', async (t) => {
  const dir = withTempDir(t);
  const path = join(dir, 'app.prom');
  const registry = localRegistry();
  const counter = new Counter({ name: 'c_total', help: 'C.', labelNames: ['n'], registers: [registry] });
  for (let n = 0; n < 500; n++) counter.inc({ n });
  await writeToTextfile(path, { registry });
  let rounds = 0;
  const writes = (async () => {
    for (; rounds < 20; rounds++) {
      for (let n = 0; n < 500; n++) counter.inc({ n });
      await writeToTextfile(path, { registry });
    }
  })();
  while (rounds < 20) {
    const values = new Set(linesOf(readFileSync(path, 'utf8'), 'c_total').map((line) => line.split(' ')[1]));
    assert.equal(values.size, 1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writes;
  assert.deepEqual(readdirSync(dir), ['app.prom']);
});

test('its permissions are 0644 or those that are asked for, whatever the umask and the old file have', async (t) => {
  const dir = withTempDir(t);
  const path = join(dir, 'app.prom');
  const before = process.umask(0o077);
  afterTest(t, () => void process.umask(before));
  writeFileSync(path, 'old');
  chmodSync(path, 0o600);
  await writeToTextfile(path, { registry: localRegistry() });
  assert.equal(statSync(path).mode & 0o777, 0o644);
  await writeToTextfile(path, { registry: localRegistry(), mode: 0o660 });
  assert.equal(statSync(path).mode & 0o777, 0o660);
});

test('where it cannot be written the error is the caller’s, the old file stays and no other', async (t) => {
  const dir = withTempDir(t);
  const registry = localRegistry();
  await assert.rejects(writeToTextfile(join(dir, 'app.txt'), { registry }), { code: 'ERR_INVALID_ARGUMENT' });
  await assert.rejects(writeToTextfile(join(dir, 'none', 'app.prom'), { registry }), { code: 'ENOENT' });
  const taken = join(dir, 'taken.prom');
  mkdirSync(join(taken, 'x'), { recursive: true });
  await assert.rejects(writeToTextfile(taken, { registry }));
  assert.deepEqual(readdirSync(dir), ['taken.prom']);
});
