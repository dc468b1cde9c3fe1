/** A process that counts in memory runs no timer, and notices a directory by events. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { startMember } from '../support/cluster.js';
import { dataFiles } from '../support/cluster-files.js';
import { startProgram } from '../support/program.js';
import { valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';

const PACKAGE = JSON.stringify(join(__dirname, '..', '..', 'src', 'root.js'));

/** The output of a program that counts timers. */
async function timersOf(t: TestContext, code: string, env: Record<string, string> = {}): Promise<string> {
  const file = join(withTempDir(t), 'program.cjs');
  const counting = `
    let intervals = 0;
    const { setInterval: start } = globalThis;
    globalThis.setInterval = (...args) => { intervals++; return start(...args); };
    const prom = require(${PACKAGE});
    const counter = new prom.Counter({ name: 'a_total', help: 'A.', labelNames: ['x'] });
    new prom.Gauge({ name: 'b', help: 'B.', collect() { this.set(1); } });
    counter.inc({ x: '1' });
  `;
  writeFileSync(file, `${counting}\n(async () => {${code}\nconsole.log(intervals);})();`);
  const program = startProgram(t, process.execPath, [file], env);
  assert.equal(await program.ended(), 0, program.output());
  return program.output().trim();
}

test('in memory no timer runs, whatever is called', async (t) => {
  assert.equal(await timersOf(t, 'await prom.register.metrics(); await prom.register.getMetricsAsJSON();'), '0');
});

test('a new thread may create a directory, and under a test runner nothing is noticed', async (t) => {
  const start = "new (require('node:worker_threads').Worker)('', { eval: true });";
  assert.equal(await timersOf(t, start), '1');
  assert.equal(await timersOf(t, start, { JEST_WORKER_ID: '1' }), '0');
});

test('a new directory is noticed when a metric is created, and when the metrics are read', async (t) => {
  for (const event of ['metric', 'answer'] as const) {
    const dir = withTempDir(t);
    const member = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: undefined });
    await member.run(({ prom }) => new prom.Counter({ name: 'a_total', help: 'A.' }).inc());
    assert.deepEqual(dataFiles(dir, member.pid), []);
    await member.run(
      async ({ prom }, named, how) => {
        process.env.PROMETHEUS_MULTIPROC_DIR = named;
        // programs that create many metrics do not look each time
        await new Promise((resolve) => setTimeout(resolve, 550));
        if (how === 'metric') new prom.Counter({ name: 'b_total', help: 'B.' }).inc();
        else await prom.register.metrics();
      },
      dir,
      event,
    );
    assert.equal(dataFiles(dir, member.pid).length, 1, event);
  }
});

test('a fork is noticed at once: workers see the earlier counts of their primary', async (t) => {
  const member = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: undefined });
  await member.run(({ prom }) => new prom.Counter({ name: 'a_total', help: 'A.' }).inc());
  const worker = await member.fork();
  const text = await worker.look(({ prom }) => prom.register.metrics());
  assert.match(text, /^a_total 1$/m);
});

test('a count is in the mapped file in the turn that makes the first metric: a SIGKILL in that turn loses nothing', async (t) => {
  const dir = withTempDir(t);
  const code = `
    const counter = new (require(${PACKAGE}).Counter)({ name: 'a_total', help: 'A.', labelNames: ['x'] });
    counter.inc({ x: '1' }, 3);
    process.kill(process.pid, 'SIGKILL');
  `;
  const env = { PROMETHEUS_MULTIPROC_DIR: dir, PROM_MULTIPROC_NO_MMAP: '' };
  const program = startProgram(t, process.execPath, ['-e', code], env);
  await program.ended();
  assert.deepEqual(valuesIn(dir), { 'a_total{x="1"}': 3 });
});

test('a program that deletes every file at once gets a new one at the usual interval, and not on each turn', async (t) => {
  const dir = withTempDir(t);
  const code = `
    const { readdirSync, rmSync } = require('node:fs');
    new (require(${PACKAGE}).Counter)({ name: 'a_total', help: 'A.' }).inc();
    const deleted = new Set();
    const end = Date.now() + 500;
    (function look() {
      for (const name of readdirSync(${JSON.stringify(dir)})) {
        if (!name.endsWith('.prom-mp')) continue;
        deleted.add(name);
        rmSync(${JSON.stringify(dir)} + '/' + name);
      }
      if (Date.now() < end) setImmediate(look);
      else console.log('deleted ' + deleted.size);
    })();
  `;
  const program = startProgram(t, process.execPath, ['-e', code], { PROMETHEUS_MULTIPROC_DIR: dir });
  assert.equal(await program.ended(), 0, program.output());
  const [, deleted] = await program.printed(/deleted (\d+)/);
  // the turn after the first metric finds the first file deleted
  assert.ok(Number(deleted) <= 2, `${deleted} files`);
});
