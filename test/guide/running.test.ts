/** Programs of the guide that are whole, run in a folder as they stand. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { DIST, freePort, startProgram, until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { guidePage } from './page.js';

/** Counts one, and stays. */
const WORKER = `
  const { Counter } = require('prom-multiproc');
  new Counter({ name: 'jobs_total', help: 'Jobs.' }).inc();
  setInterval(() => {}, 1000);`;

/** The code blocks of the page's section on exit hooks. */
const [CLUSTER, , MANAGER] = guidePage('processes.md').blocks('Exit hooks');

/** A folder in which the package is installed, with these files. */
function folderWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const dir = withTempDir(t);
  mkdirSync(join(dir, 'node_modules'));
  symlinkSync(join(DIST, '..'), join(dir, 'node_modules', 'prom-multiproc'), 'junction');
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text);
  return dir;
}

async function textAt(url: string): Promise<string> {
  try {
    return await (await fetch(url)).text();
  } catch {
    return ''; // not there yet
  }
}

test('the cluster of the page on processes forks another worker for one that is killed, and no count is lost', async (t) => {
  const port = String(await freePort());
  const dir = folderWith(t, { 'primary.js': CLUSTER.text.replaceAll('9464', port), 'worker.js': WORKER });
  const metrics = join(dir, 'metrics');
  startProgram(t, process.execPath, ['primary.js'], { PROMETHEUS_MULTIPROC_DIR: metrics }, dir);
  const shows = (...lines: string[]): Promise<boolean> =>
    until(async () => {
      const text = await textAt(`http://127.0.0.1:${port}/metrics`);
      return lines.every((line) => text.includes(`\n${line}\n`));
    });
  await shows('jobs_total 4', 'prom_multiproc_processes{state="live"} 4');
  const status = await textAt(`http://127.0.0.1:${port}/status/data.json`);
  const { processes } = JSON.parse(status) as { processes: { pid: number }[] };
  process.kill(processes[0].pid, 'SIGKILL');
  await shows('jobs_total 5', 'prom_multiproc_processes{state="live"} 4', 'prom_multiproc_processes{state="dead"} 1');
});

test('the process manager of the page on processes tells what is left of its child', async (t) => {
  const job = WORKER.replace('setInterval(() => {}, 1000)', "process.kill(process.pid, 'SIGKILL')");
  const dir = folderWith(t, { 'job.js': job });
  writeFileSync(join(dir, 'manager.js'), MANAGER.text.replaceAll('/run/jobs', join(dir, 'jobs')));
  const manager = startProgram(t, process.execPath, ['manager.js'], {}, dir);
  assert.equal(await manager.ended(), 0, manager.output());
  assert.match(manager.output(), /^1 files of dead processes, 0 of living ones, 0 for which this cannot be known$/m);
});
