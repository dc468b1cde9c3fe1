import assert from 'node:assert/strict';
import { chmodSync, existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  MultiprocessCollector,
  type MultiprocessCollectorOptions,
} from '../../src/collector/multiprocess-collector.js';
import { afterTest } from '../support/after-test.js';
import { addDead, DeadProcess } from '../support/dead-process.js';
import { forkProgram } from '../support/forked-program.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

function startCollector(t: TestContext, options: MultiprocessCollectorOptions): MultiprocessCollector {
  const collector = new MultiprocessCollector({ threads: false, ...options });
  afterTest(t, () => collector.close());
  return collector;
}

async function jobsOf(collector: MultiprocessCollector): Promise<number | undefined> {
  const families = await collector.families();
  return families.find(({ name }) => name === 'jobs_total')?.samples[0]?.value;
}

function dataFiles(dir: string): number {
  return readdirSync(dir).filter((name) => name.endsWith('.prom-mp')).length;
}

/** A scrape shows the jobs, and starts a fold that leaves no file and changes no count. */
async function assertFolded(collector: MultiprocessCollector, dir: string, jobs: number): Promise<void> {
  assert.equal(await jobsOf(collector), jobs);
  await until(() => dataFiles(dir) === 0);
  assert.equal(await jobsOf(collector), jobs);
}

test('a scrape that finds enough dead files starts a fold in the background', async (t) => {
  const dir = withTempDir(t);
  const collector = startCollector(t, { dir, fold: { files: 4 } });
  addDead(dir, 3);
  assert.equal(await jobsOf(collector), 3);
  addDead(dir, 1);
  await assertFolded(collector, dir, 4);
});

test('the size of dead files counts as well, and a collector that merges in a thread folds too', async (t) => {
  const dir = withTempDir(t);
  const collector = startCollector(t, { dir, threads: true, fold: { bytes: 1000 } });
  addDead(dir, 2);
  await assertFolded(collector, dir, 2);
});

test('a scrape starts a fold that removes incomplete files, also where few files are dead', async (t) => {
  const dir = withTempDir(t);
  const leftover = join(dir, '.4711-0-0123456789abcdef.prom-mp.tmp');
  writeFileSync(leftover, '');
  utimesSync(leftover, Date.now() / 1000 - 7200, Date.now() / 1000 - 7200);
  await startCollector(t, { dir, readOnly: true }).families();
  await startCollector(t, { dir }).status();
  assert.deepEqual(readdirSync(dir), [basename(leftover)]);
  await startCollector(t, { dir }).metrics();
  await until(() => !existsSync(leftover));
});

test('with fold: false a fold happens only on request', async (t) => {
  const dir = withTempDir(t);
  const collector = startCollector(t, { dir, fold: false });
  addDead(dir, 40);
  assert.equal(await jobsOf(collector), 40);
  await collector.close();
  assert.equal(dataFiles(dir), 40);
  const asked = startCollector(t, { dir, fold: false });
  const { folded, generation } = await asked.fold();
  assert.deepEqual([folded, generation], [40, 1]);
  assert.equal(await jobsOf(asked), 40);
});

test('close waits for a fold in progress, and a closed collector does not fold', async (t) => {
  const dir = withTempDir(t);
  const collector = startCollector(t, { dir });
  addDead(dir, 3);
  const folding = collector.fold();
  await collector.close();
  assert.equal((await folding).folded, 3);
  await assert.rejects(collector.fold(), { code: 'ERR_CLOSED' });
});

test('an invalid number is an error at once, which names it', (t) => {
  const dir = withTempDir(t);
  for (const [fold, message] of [
    [{ files: 0 }, 'fold.files is 0: it must be a number above 0'],
    [{ bytes: '4M' }, 'fold.bytes is "4M": it must be a number above 0'],
    [{ maxSeries: -5 }, 'fold.maxSeries is -5: it must be a number above 0'],
    [{ deadRetentionProcesses: NaN }, 'fold.deadRetentionProcesses is NaN: it must be a number, and not below 0'],
    [{ fileMode: 640_000 }, 'fold.fileMode is 640000: it must be permission bits, such as 0o640'],
    [{ group: 'staff' }, 'fold.group is "staff": it must be the id of a group'],
  ] as const) {
    const options = { dir, fold } as unknown as MultiprocessCollectorOptions;
    assert.throws(() => new MultiprocessCollector(options), { code: 'ERR_INVALID_ARGUMENT', message });
  }
  startCollector(t, { dir, fold: { files: Infinity, deadRetentionProcesses: 0, familyRetentionSeconds: Infinity } });
});

test('folding adds no listener to the process', async (t) => {
  const dir = withTempDir(t);
  const listeners = (): number[] => ['SIGTERM', 'SIGINT', 'exit'].map((name) => process.listenerCount(name));
  const [before, emit] = [listeners(), process.emit];
  addDead(dir, 1);
  await startCollector(t, { dir }).fold();
  assert.deepEqual(listeners(), before);
  assert.equal(process.emit, emit);
});

test(
  'a reader without write permission folds nothing, and reports that in the result',
  needs('other users'),
  async (t) => {
    const dir = withTempDir(t);
    new DeadProcess(dir, { mode: 0o644 }).count('jobs_total', {}, 3).die();
    chmodSync(dir, 0o755);
    const sidecar = forkProgram(t, 'archive/programs/fold-sidecar', [dir], { uid: 1000, gid: 1000 });
    assert.deepEqual(await sidecar.nextMessage(), { value: 3, folded: 0, abandoned: 'not permitted' });
    assert.equal(dataFiles(dir), 1);
  },
);
