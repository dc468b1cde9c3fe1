/** A process that does not run for minutes: whether it is taken for dead, and that nothing counts twice in that case. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Fold, foldDirectory } from '../../src/archive/fold.js';
import { processStat } from '../../src/directory/identity.js';
import { HEADER } from '../../src/metrics-file/layout.js';
import { changeIdentity } from '../support/cluster-files.js';
import { type ForkedProgram, forkProgram } from '../support/forked-program.js';
import { valuesIn } from '../support/reading.js';
import { until } from '../support/program.js';
import { overwrite } from '../support/overwrite.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter } from '../support/declarations.js';
import { addTo, attach, createFile, fileKinds } from '../support/written-file.js';
import type { Order } from './programs/stopped.js';

const OTHER_BOOT = '11111111-2222-3333-4444-555555555555';

function startApplication(t: TestContext, dir: string, kind: 'mapped' | 'written'): ForkedProgram {
  return forkProgram(t, 'storage/programs/stopped', [], {
    env: {
      ...process.env,
      PROMETHEUS_MULTIPROC_DIR: dir,
      PROM_MULTIPROC_NO_MMAP: kind === 'written' ? '1' : undefined,
    },
  });
}

/** Returns the values of that process alone. */
const tell = (fixture: ForkedProgram, order: Order): Promise<string> => fixture.ask<string>(order);

/** Makes a process count without writing, and stop. Returns a function that makes it continue. */
async function stop(fixture: ForkedProgram, times: number, minutes: number): Promise<() => Promise<void>> {
  const goesOn = tell(fixture, { order: 'count and stop', times, size: 100, minutes });
  await until(() => processStat(fixture.pid)?.state === 'T');
  return async () => {
    process.kill(fixture.pid, 'SIGCONT');
    await goesOn;
  };
}

const dataFile = (dir: string): string =>
  join(
    dir,
    readdirSync(dir).find((name) => name.endsWith('.prom-mp'))!,
  );

/** Sets the heartbeat to that of a process that was stopped for an hour. */
function silence(path: string): void {
  overwrite(path, HEADER.heartbeat, new Float64Array([Date.now() / 1000 - 3600]));
}

/** Folds a directory as a program that takes the writer for one from before the last boot; optionally killed at a step. */
function foldAsDead(dir: string, killedAfter?: 'published'): void {
  changeIdentity(dir, dataFile(dir), { bootId: OTHER_BOOT });
  silence(dataFile(dir));
  if (killedAfter === undefined) {
    assert.equal(foldDirectory(dir).folded, 1);
    return;
  }
  Fold.onStep = (step) => {
    if (step === killedAfter) throw new Error('killed');
  };
  try {
    assert.throws(() => foldDirectory(dir), /killed/);
  } finally {
    Fold.onStep = undefined;
  }
}

/** Checks that everything was counted that often, first with the size 1 and then with 100. */
function assertCounted(dir: string, ones: number, hundreds: number): void {
  const all = ones + hundreds;
  const values = valuesIn(dir);
  const { 'lengths{quantile="0.5"}': half, 'lengths{quantile="0.6"}': more, 'recent{quantile="0.5"}': lately } = values;
  for (const name of Object.keys(values)) if (name.includes('quantile')) delete values[name];
  assert.deepEqual(values, {
    'jobs_total{kind="any"}': all,
    'jobs_total{kind="of size 1"}': ones,
    'jobs_total{kind="of size 100"}': hundreds,
    'sizes_bucket{le="10"}': ones,
    'sizes_bucket{le="+Inf"}': all,
    sizes_sum: ones + 100 * hundreds,
    sizes_count: all,
    'fine_bucket{le="+Inf"}': all,
    fine_sum: ones + 100 * hundreds,
    fine_count: all,
    lengths_sum: ones + 100 * hundreds,
    lengths_count: all,
    recent_sum: ones + 100 * hundreds,
    recent_count: all,
    depth: 100,
  });
  // of 10 ones and 9 hundreds; more than half are hundreds if the ones are lost, and none if they count twice
  if (ones === 10 && hundreds === 9) {
    assert.ok(half < 2 && lately < 2, `${half} and ${lately}`);
    assert.ok(more > 90, `${more}`);
  }
}

for (const kind of fileKinds()) {
  test(`${kind}: a stopped process is not folded, however old its heartbeat is`, async (t) => {
    const dir = withTempDir(t);
    const fixture = startApplication(t, dir, kind);
    await tell(fixture, { order: 'count', times: 10, size: 1 });
    const file = dataFile(dir);
    const goOn = await stop(fixture, 9, 60);
    silence(file);
    const { folded, skipped } = foldDirectory(dir);
    assert.deepEqual([folded, skipped.live, skipped.unknown], [0, 1, 0]);
    await goOn();
    await tell(fixture, { order: 'maintain' });
    assert.equal(dataFile(dir), file);
    assertCounted(dir, 10, 9);
  });
}

/** What happens to the file of a stopped process, and the minutes that it is stopped. */
const FATES: Record<string, { minutes: number; befall(dir: string): void }> = {
  'was folded': { minutes: 60, befall: (dir) => foldAsDead(dir) },
  'was folded, by its clocks within no time': { minutes: 0, befall: (dir) => foldAsDead(dir) },
  'was folded and is still there, for the folder was killed': {
    minutes: 60,
    befall: (dir) => foldAsDead(dir, 'published'),
  },
  'was folded and is still there, and its folder was followed by another': {
    minutes: 60,
    befall(dir) {
      foldAsDead(dir, 'published');
      foldDirectory(dir);
    },
  },
  'was deleted': { minutes: 60, befall: (dir) => unlinkSync(dataFile(dir)) },
};

for (const [fate, { minutes, befall }] of Object.entries(FATES)) {
  /** Where its process continues from there. */
  const start = async (t: TestContext): Promise<{ dir: string; file: string; fixture: ForkedProgram }> => {
    const dir = withTempDir(t);
    const fixture = startApplication(t, dir, 'written');
    await tell(fixture, { order: 'count', times: 10, size: 1 });
    const file = dataFile(dir);
    const goOn = await stop(fixture, 9, minutes);
    befall(dir);
    await goOn();
    return { dir, file, fixture };
  };

  test(`a process whose file ${fate} while it was stopped counts nothing twice and loses nothing`, async (t) => {
    const { dir, file, fixture } = await start(t);
    await tell(fixture, { order: 'maintain' });
    assert.notEqual(dataFile(dir), file);
    assertCounted(dir, 10, 9);
    await tell(fixture, { order: 'count', times: 1, size: 100 });
    await tell(fixture, { order: 'maintain' });
    assertCounted(dir, 10, 10);
    await fixture.kill();
    foldDirectory(dir);
    assert.equal(valuesIn(dir)['jobs_total{kind="any"}'], 20);
  });

  if (fate === 'was deleted') continue;
  test(`the same where it ends at once: its file ${fate}`, async (t) => {
    const { dir, file, fixture } = await start(t);
    fixture.process.send({ order: 'exit' } satisfies Order);
    assert.equal(await fixture.ended, 0);
    assert.ok(!readdirSync(dir).includes(file));
    assert.equal(valuesIn(dir)['jobs_total{kind="any"}'], 19);
  });
}

test('a process that ends does not create deleted files again', async (t) => {
  const dir = join(withTempDir(t), 'app');
  mkdirSync(dir);
  const fixture = startApplication(t, dir, 'written');
  await tell(fixture, { order: 'count', times: 10, size: 1 });
  rmSync(dir, { recursive: true });
  fixture.process.send({ order: 'exit' } satisfies Order);
  assert.equal(await fixture.ended, 0);
  assert.ok(!existsSync(dir));
});

test('the view of one process starts again with the counts that no archive has, as after a restart', async (t) => {
  const dir = withTempDir(t);
  const fixture = startApplication(t, dir, 'written');
  await tell(fixture, { order: 'count', times: 10, size: 1 });
  const goOn = await stop(fixture, 9, 60);
  foldAsDead(dir);
  await goOn();
  const shown = await tell(fixture, { order: 'maintain' });
  const lines = shown.split('\n').filter((line) => /^(jobs|sizes|depth)/.test(line));
  assert.deepEqual(lines, [
    'jobs_total{kind="any"} 9',
    'jobs_total{kind="of size 1"} 0',
    'jobs_total{kind="of size 100"} 9',
    'sizes_bucket{le="10"} 0',
    'sizes_bucket{le="+Inf"} 9',
    'sizes_sum 900',
    'sizes_count 9',
    'depth 100',
  ]);
});

test('the archived counts of another process are not subtracted after a file was deleted', async (t) => {
  const dir = withTempDir(t);
  const other = createFile(dir, { identity: { startTime: '1' } });
  addTo(attach(other.store, other.store.declare(counter('other_total'), ['default']), []), 5);
  other.writer.close();
  assert.equal(foldDirectory(dir).folded, 1);
  const fixture = startApplication(t, dir, 'written');
  await tell(fixture, { order: 'count', times: 10, size: 1 });
  const goOn = await stop(fixture, 9, 60);
  unlinkSync(dataFile(dir));
  await goOn();
  await tell(fixture, { order: 'maintain' });
  const { other_total, 'jobs_total{kind="any"}': any } = valuesIn(dir);
  assert.deepEqual([other_total, any], [5, 19]);
});
