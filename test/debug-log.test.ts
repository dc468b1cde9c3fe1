import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DeadProcess } from './support/dead-process.js';
import { withTempDir } from './support/temp-dir.js';

const PROGRAM = `
  const { Counter, MultiprocessCollector } = require('prom-multiproc');
  new Counter({ name: 'jobs_total', help: 'h' }).inc();
  const collector = new MultiprocessCollector({ threads: false });
  collector.metrics().then(() => collector.fold()).then(() => collector.close());`;

function stderrOf(dir: string, debug: string | undefined): string {
  const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir, NODE_DEBUG: debug };
  const { stderr, status } = spawnSync(process.execPath, ['-e', PROGRAM], { encoding: 'utf8', env, cwd: __dirname });
  assert.equal(status, 0, stderr);
  return stderr;
}

test('NODE_DEBUG=prom-multiproc logs the directory and its source, the file, skipped files and folds', (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  writeFileSync(join(dir, '77-0-0123456789abcdef.prom-mp'), '');
  const log = stderrOf(dir, 'prom-multiproc');
  for (const line of [
    `counts in ${dir}, by variable`,
    /counts in \S+\.prom-mp, which is (mapped|written)/,
    `reads ${dir}, by variable`,
    'skips 77-0-0123456789abcdef.prom-mp: ',
    `fold of ${dir} begins`,
    new RegExp(`fold of ${dir} ends after [\\d.]+ ms: .*generation: 1`, 's'),
  ]) {
    assert.ok(typeof line === 'string' ? log.includes(line) : line.test(log), `${line} in\n${log}`);
  }
  assert.ok(!stderrOf(dir, undefined).includes('PROM-MULTIPROC'));
});
