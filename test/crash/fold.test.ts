/**
 * Folds that die, stall and race, in separate processes. A reader reads all the time: the test lists what it may see after
 * each step.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { MultiprocessCollector } from '../../src/collector/multiprocess-collector.js';
import { archiveName, FOLD_LOCK_DIRECTORY } from '../../src/directory/file-name.js';
import { foldDirectory, type FoldStep } from '../../src/archive/fold.js';
import { scanDirectory } from '../../src/directory/scan.js';
import { collectorOf } from '../support/collector.js';
import { DeadProcess } from '../support/dead-process.js';
import { type ForkedProgram, forkProgram } from '../support/forked-program.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import type { FoldOrder } from './programs/folder.js';

const WITH_LOCKS = { env: { ...process.env, PROM_MULTIPROC_NO_MMAP: '0' } };
/** Such a process has no flock: only the order of its steps keeps the counts correct. */
const WITHOUT_LOCKS = { env: { ...process.env, PROM_MULTIPROC_NO_MMAP: '1' } };

interface Folding {
  readonly folded: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

async function startFolder(t: TestContext, dir: string, options = {}): Promise<ForkedProgram> {
  const folder = forkProgram(t, 'crash/programs/folder', [dir], options);
  await folder.nextMessage();
  return folder;
}

function fold(folder: ForkedProgram, order: FoldOrder): Promise<Folding> {
  return folder.ask<Folding>(order);
}

function startReader(t: TestContext, dir: string): MultiprocessCollector {
  const collector = collectorOf(t, dir, { threads: false, fold: false });
  return collector;
}

/** A counter, and a gauge of each process. */
async function seen(reader: MultiprocessCollector): Promise<{ jobs: number; processes: number }> {
  const families = await reader.families();
  const samplesOf = (name: string): number[] =>
    families.filter((family) => family.name === name).flatMap(({ samples }) => samples.map(({ value }) => value));
  const [jobs = 0] = samplesOf('jobs_total');
  assert.deepEqual(
    families.find(({ name }) => name === 'prom_multiproc_files_skipped')?.samples.filter(({ value }) => value > 0),
    [],
  );
  return { jobs, processes: samplesOf('load').length };
}

function addDead(dir: string, values: readonly number[]): void {
  for (const value of values) {
    new DeadProcess(dir)
      .count('jobs_total', {}, value)
      .set('load', 'all', {}, 1, Date.now() / 1000)
      .die();
  }
}

/** The directory of proper-lockfile is not taken over for ten seconds. */
function letLockGrowOld(dir: string): void {
  const lock = join(dir, FOLD_LOCK_DIRECTORY);
  if (existsSync(lock)) utimesSync(lock, 1, 1);
}

function contentsOf(dir: string): { archives: number[]; dataFiles: number; temporaries: number } {
  const { archives, dataFiles, temporaries } = scanDirectory(dir);
  return {
    archives: archives.map(({ generation }) => generation),
    dataFiles: dataFiles.length,
    temporaries: temporaries.length,
  };
}

/**
 * An archive of generation 1 with two processes, then three more dead ones. The files that a kill leaves, by the step and
 * its occurrence.
 */
const KILLS: readonly [step: FoldStep, time: number, left: ReturnType<typeof contentsOf>][] = [
  ['locked', 1, { archives: [1], dataFiles: 3, temporaries: 0 }],
  ['archive read', 1, { archives: [1], dataFiles: 3, temporaries: 0 }],
  ['files read', 1, { archives: [1], dataFiles: 3, temporaries: 0 }],
  ['temporary written', 1, { archives: [1], dataFiles: 3, temporaries: 1 }],
  ['published', 1, { archives: [2, 1], dataFiles: 3, temporaries: 0 }],
  ['generation unlinked', 1, { archives: [2], dataFiles: 3, temporaries: 0 }],
  ['file removed', 1, { archives: [2], dataFiles: 2, temporaries: 0 }],
  ['file removed', 2, { archives: [2], dataFiles: 1, temporaries: 0 }],
  ['file removed', 3, { archives: [2], dataFiles: 0, temporaries: 0 }],
];

for (const [step, time, left] of KILLS) {
  test(`killed after "${step}" ${time}, a fold loses no counts and counts nothing twice`, async (t) => {
    const dir = withTempDir(t);
    const reader = startReader(t, dir);
    addDead(dir, [1, 2]);
    foldDirectory(dir);
    addDead(dir, [4, 8, 16]);
    const truth = { jobs: 31, processes: 5 };
    assert.deepEqual(await seen(reader), truth);
    const folder = await startFolder(t, dir);
    await assert.rejects(fold(folder, { kill: { step, time }, properLockfile: true }), /SIGKILL/);
    assert.deepEqual(contentsOf(dir), left);
    assert.deepEqual(await seen(reader), truth);
    assert.deepEqual(await seen(startReader(t, dir)), truth);
    // a process dies meanwhile, and the next fold continues
    addDead(dir, [32]);
    letLockGrowOld(dir);
    const { outcomes } = await fold(await startFolder(t, dir), { properLockfile: true });
    assert.deepEqual(outcomes, { folded: 1 });
    assert.equal(contentsOf(dir).archives.length, 1);
    assert.deepEqual({ ...contentsOf(dir), archives: [] }, { archives: [], dataFiles: 0, temporaries: 0 });
    assert.deepEqual(await seen(reader), { jobs: 63, processes: 6 });
    assert.deepEqual(await seen(startReader(t, dir)), { jobs: 63, processes: 6 });
  });
}

test('folds that are killed while they remove leftovers of another do no harm either', async (t) => {
  const dir = withTempDir(t);
  const reader = startReader(t, dir);
  addDead(dir, [1, 2]);
  foldDirectory(dir);
  addDead(dir, [4, 8]);
  const truth = { jobs: 15, processes: 4 };
  const left: ReturnType<typeof contentsOf>[] = [];
  for (const step of ['published', 'generation unlinked', 'file removed', 'file removed'] as const) {
    const folder = await startFolder(t, dir, WITH_LOCKS);
    await assert.rejects(fold(folder, { kill: { step, time: 1 }, properLockfile: false }), /SIGKILL/);
    left.push(contentsOf(dir));
    assert.deepEqual(await seen(reader), truth);
    assert.deepEqual(await seen(startReader(t, dir)), truth);
  }
  assert.deepEqual(left, [
    { archives: [2, 1], dataFiles: 2, temporaries: 0 },
    { archives: [2], dataFiles: 2, temporaries: 0 },
    { archives: [2], dataFiles: 1, temporaries: 0 },
    { archives: [2], dataFiles: 0, temporaries: 0 },
  ]);
});

test("a killed fold without the kernel's lock excludes others only until its lock is old", async (t) => {
  const dir = withTempDir(t);
  addDead(dir, [1]);
  const folder = await startFolder(t, dir, WITHOUT_LOCKS);
  await assert.rejects(fold(folder, { kill: { step: 'files read', time: 1 }, properLockfile: true }), /SIGKILL/);
  const next = await startFolder(t, dir);
  assert.deepEqual((await fold(next, { properLockfile: true })).outcomes, { locked: 1 });
  letLockGrowOld(dir);
  assert.deepEqual((await fold(next, { properLockfile: true })).outcomes, { folded: 1 });
  assert.equal(existsSync(join(dir, FOLD_LOCK_DIRECTORY)), false);
});

for (const [locks, options, properLockfile] of [
  ['the kernel', WITH_LOCKS, false],
  ['proper-lockfile', WITHOUT_LOCKS, true],
] as const) {
  test(`${locks} excludes a second fold`, async (t) => {
    const dir = withTempDir(t);
    const aside = withTempDir(t);
    addDead(dir, [1, 2]);
    const [reached, go] = [join(aside, 'reached'), join(aside, 'go')];
    const slow = await startFolder(t, dir, options);
    const folding = fold(slow, { properLockfile, stall: { step: 'files read', reached, go } });
    await until(() => existsSync(reached));
    const other = await startFolder(t, dir, options);
    assert.deepEqual((await fold(other, { properLockfile })).outcomes, { locked: 1 });
    writeFileSync(go, '');
    assert.deepEqual((await folding).outcomes, { folded: 1 });
    assert.deepEqual(await seen(startReader(t, dir)), { jobs: 3, processes: 2 });
  });
}

/**
 * The number of other folds while one stalls, whether there was an archive before, and the step. Whatever the stalled fold
 * does afterwards, its archive must not count, and it must not remove a file of a dead process that is missing in the
 * archive that counts.
 */
for (const [step, others, base, outcome] of [
  // the archive that it wants to read was removed
  ['archive read', 1, true, 'nothing'],
  ['files read', 2, true, 'superseded'],
  ['temporary written', 1, true, 'superseded'],
  ['temporary written', 2, true, 'superseded'],
  ['temporary written', 3, false, 'superseded'],
] as const) {
  test(`a fold that stalls after "${step}" does no harm when ${others} others have folded, ${base ? 'on' : 'without'} an archive`, async (t) => {
    const dir = withTempDir(t);
    const aside = withTempDir(t);
    const [reached, go] = [join(aside, 'reached'), join(aside, 'go')];
    const reader = startReader(t, dir);
    let jobs = 0;
    let processes = 0;
    const die = (...values: number[]): void => {
      addDead(dir, values);
      for (const value of values) jobs += value;
      processes += values.length;
    };
    if (base) {
      die(1, 2);
      foldDirectory(dir);
    }
    die(4, 8);
    const stalled = await startFolder(t, dir, WITHOUT_LOCKS);
    const folding = fold(stalled, { stall: { step, reached, go }, properLockfile: false });
    await until(() => existsSync(reached));
    for (let at = 0; at < others; at++) {
      die(100 * 2 ** at);
      assert.equal(foldDirectory(dir).abandoned, undefined);
      assert.deepEqual(await seen(reader), { jobs, processes });
    }
    die(10_000);
    writeFileSync(go, '');
    assert.deepEqual((await folding).outcomes, { [outcome]: 1 });
    assert.deepEqual(await seen(reader), { jobs, processes });
    assert.deepEqual(await seen(startReader(t, dir)), { jobs, processes });
    assert.equal(foldDirectory(dir).folded, 1);
    assert.deepEqual(await seen(reader), { jobs, processes });
    assert.equal(contentsOf(dir).archives.length, 1);
    assert.equal(contentsOf(dir).dataFiles, 0);
  });
}

test('an archive that is linked after higher ones were created and removed is no reason to remove a file', async (t) => {
  const dir = withTempDir(t);
  const aside = withTempDir(t);
  const [reached, go] = [join(aside, 'reached'), join(aside, 'go')];
  const stalled = await startFolder(t, dir, WITHOUT_LOCKS);
  addDead(dir, [1]);
  foldDirectory(dir);
  addDead(dir, [2, 4]);
  const folding = fold(stalled, { stall: { step: 'temporary written', reached, go }, properLockfile: false });
  await until(() => existsSync(reached));
  // generation 2 is created and removed, so that its name is free for the stalled fold
  foldDirectory(dir);
  addDead(dir, [8]);
  foldDirectory(dir);
  addDead(dir, [16]);
  assert.deepEqual(contentsOf(dir).archives, [3]);
  writeFileSync(go, '');
  assert.deepEqual((await folding).outcomes, { superseded: 1 });
  assert.deepEqual(await seen(startReader(t, dir)), { jobs: 31, processes: 5 });
  assert.ok(readdirSync(dir).includes(archiveName(3)));
});

for (const [name, options] of [
  ['with the kernel’s lock', WITH_LOCKS],
  ['without any lock', WITHOUT_LOCKS],
] as const) {
  test(`three folds race ${name} while processes die, and a reader sees no count missing or doubled`, async (t) => {
    const dir = withTempDir(t);
    const enough = join(withTempDir(t), 'enough');
    const folders = await Promise.all([1, 2, 3].map(() => startFolder(t, dir, options)));
    const folding = folders.map((folder) => fold(folder, { properLockfile: false, until: enough }));
    const reader = startReader(t, dir);
    let truth = 0;
    for (let at = 1; at <= 150; at++) {
      addDead(dir, [at]);
      truth += at;
      assert.deepEqual(await seen(reader), { jobs: truth, processes: at });
    }
    writeFileSync(enough, '');
    const results = await Promise.all(folding);
    assert.deepEqual(await seen(reader), { jobs: truth, processes: 150 });
    foldDirectory(dir);
    assert.deepEqual(await seen(startReader(t, dir)), { jobs: truth, processes: 150 });
    assert.ok(results.reduce((sum, { outcomes }) => sum + (outcomes.folded ?? 0), 0) > 0);
    assert.equal(contentsOf(dir).dataFiles, 0);
  });
}
