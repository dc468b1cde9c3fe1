/** Somebody is woken up: which worker is it? */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import type { DirectoryStatus } from '../../src/collector/directory-status.js';
import { MultiprocessCollector } from '../../src/collector/multiprocess-collector.js';
import { afterTest } from '../support/after-test.js';
import { startCluster } from '../support/cluster.js';
import { ask } from '../support/http-request.js';
import { DIST, until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { serving } from '../serve/serving.js';

/** Two heartbeats. */
const WITHIN_MS = 10_000;

test('of four workers one has a busy loop, one leaks, one is killed: the page and top name each within 10 s', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 4);
  for (const worker of workers) {
    await worker.run(({ prom }) => new prom.Counter({ name: 'jobs_total', help: 'Jobs' }).inc());
  }
  const collector = new MultiprocessCollector({ dir });
  afterTest(t, () => collector.close());
  const { url } = await serving(t, { source: collector });
  const [busy, leaking, killed, well] = workers;
  const troubledAt = Date.now();
  await busy.run(({ kept }) => {
    kept.timer = setInterval(() => {
      const end = Date.now() + 300;
      while (Date.now() < end);
    }, 400);
  });
  await leaking.run(({ kept }) => void (kept.leak = Buffer.alloc(200 * 1024 * 1024, 1)));
  await killed.kill('SIGKILL');

  const named = (findings: DirectoryStatus['verdict']): string[] =>
    [
      [busy, 'lag'],
      [leaking, 'memory'],
      [killed, 'killed'],
    ].map(([worker, rule]) =>
      findings.some((found) => found.rule === rule && found.text.includes(String((worker as typeof busy).pid)))
        ? 'named'
        : `${String(rule)} is missing`,
    );
  let verdict: DirectoryStatus['verdict'] = [];
  await until(async () => {
    verdict = (JSON.parse((await ask(`${url}/status/data.json`)).text) as DirectoryStatus).verdict;
    return named(verdict).every((each) => each === 'named');
  });
  const tookMs = Date.now() - troubledAt;
  assert.ok(tookMs < WITHIN_MS, `${tookMs} ms`);
  assert.ok(
    verdict.every(({ process: file }) => file?.startsWith(`${well.pid}-`) !== true),
    'the fourth is well',
  );
  const args = [join(DIST, 'src', 'cli', 'main.js'), 'top', '--dir', dir, '--count', '1', '--interval', '0.1'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  assert.match(stdout, new RegExp(`^bad: process ${killed.pid} was killed or crashed`, 'm'));
  assert.match(stdout, new RegExp(`the event loop of process ${busy.pid} stood still for \\d+ ms$`, 'm'));
  assert.match(stdout, new RegExp(`process ${leaking.pid} holds \\d+ MiB of memory`, 'm'));
  for (const { pid } of [busy, leaking, killed]) assert.match(stdout, new RegExp(`^! +${pid} `, 'm'));
  assert.match(stdout, new RegExp(`^ +${well.pid} `, 'm'));
});
