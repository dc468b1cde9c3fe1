import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  MultiprocessCollector,
  type MultiprocessCollectorOptions,
} from '../../src/collector/multiprocess-collector.js';
import { checkFile } from '../../src/metrics-file/check.js';
import { Fold, foldDirectory } from '../../src/archive/fold.js';
import { foldDue } from '../../src/archive/fold-options.js';
import { archiveName } from '../../src/directory/file-name.js';
import type { MetricFamily } from '../../src/model/metric-family.js';
import { collectorOf } from '../support/collector.js';
import { DeadProcess } from '../support/dead-process.js';
import { forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

const DAY = 24 * 3600;
/** Without locks, a process lives if its pid is in use. */
const LIVING = { identity: { pid: process.pid } };
const now = (): number => Date.now() / 1000;

/** The families that a new reader finds in a directory. */
async function familiesOf(dir: string, options: MultiprocessCollectorOptions = {}): Promise<MetricFamily[]> {
  const collector = new MultiprocessCollector({ dir, threads: false, selfMetrics: false, fold: false, ...options });
  try {
    return await collector.families();
  } finally {
    await collector.close();
  }
}

/** Sorted, so that the order of declarations does not matter. */
function inOrder(families: readonly MetricFamily[]): unknown {
  return families
    .map(({ samples, ...family }) => ({
      ...family,
      samples: samples.map((sample) => JSON.stringify(sample)).toSorted(),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The only value of a metric; undefined where it has none. */
async function valueOf(dir: string, name: string, options?: MultiprocessCollectorOptions): Promise<number | undefined> {
  const samples = (await familiesOf(dir, options)).flatMap((family) => family.samples);
  return samples.find((sample) => sample.name === name)?.value;
}

function archivesIn(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.endsWith('.prom-mp-archive'));
}

function dataFilesIn(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.endsWith('.prom-mp'));
}

test('the files of dead processes become one archive, and the output stays the same', async (t) => {
  const dir = withTempDir(t);
  for (let at = 1; at <= 3; at++) new DeadProcess(dir).count('jobs_total', { kind: 'mail' }, at).die();
  const before = await familiesOf(dir);
  const result = foldDirectory(dir);
  assert.equal(result.abandoned, undefined);
  assert.deepEqual([result.generation, result.folded, result.removed, result.series], [1, 3, 3, 1]);
  assert.deepEqual(dataFilesIn(dir), []);
  assert.deepEqual(archivesIn(dir), [archiveName(1)]);
  assert.equal(result.archiveBytes, statSync(join(dir, archiveName(1))).size);
  assert.deepEqual(await familiesOf(dir), before);
  assert.equal(await valueOf(dir, 'jobs_total'), 6);
  assert.deepEqual(checkFile(join(dir, archiveName(1))), { ok: true, problems: [], families: 1, series: 1, blocks: 2 });
});

test('a default label that would make an invalid line is not stored in the archive', async (t) => {
  const dir = withTempDir(t);
  const defaultLabels = { le: 'x', quantile: 'y', app: 'shop' };
  new DeadProcess(dir, { defaultLabels }).observe('took_seconds', [1], 0.5).summarize('size_bytes', 1).die();
  assert.equal(foldDirectory(dir).folded, 1);
  const families = await familiesOf(dir);
  assert.deepEqual(
    families.map(({ samples }) => Object.keys(samples.at(-1)!.labels)),
    [
      ['app', 'quantile'],
      ['app', 'le'],
    ],
  );
});

test('a fold without dead files publishes nothing', (t) => {
  const dir = withTempDir(t);
  const { generation, folded, removed, abandoned } = foldDirectory(dir);
  assert.deepEqual([generation, folded, removed, abandoned], [0, 0, 0, undefined]);
  assert.deepEqual(archivesIn(dir), []);
  assert.equal(foldDirectory(join(dir, 'missing')).folded, 0);
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  foldDirectory(dir);
  assert.equal(foldDirectory(dir).generation, 1);
  assert.deepEqual(archivesIn(dir), [archiveName(1)]);
});

test('a fold removes incomplete files of processes that were killed an hour ago', (t) => {
  const dir = withTempDir(t);
  const [old, young] = ['1', '2'].map((id) => join(dir, `.4711-0-000000000000000${id}.prom-mp.tmp`));
  for (const path of [old, young]) writeFileSync(path, '');
  const twoHoursAgo = Date.now() / 1000 - 7200;
  utimesSync(old, twoHoursAgo, twoHoursAgo);
  foldDirectory(dir);
  assert.deepEqual([existsSync(old), existsSync(young)], [false, true]);
});

test('files of living processes, and of those with an unknown state, are not folded', async (t) => {
  const dir = withTempDir(t);
  const living = new DeadProcess(dir, LIVING).count('jobs_total', {}, 1).show();
  const elsewhere = {
    liveness: 'heartbeat',
    hostName: 'another',
    bootId: '11111111-2222-3333-4444-555555555555',
  } as const;
  new DeadProcess(dir, { identity: elsewhere }).count('jobs_total', {}, 2).die();
  new DeadProcess(dir).count('jobs_total', {}, 4).die();
  const result = foldDirectory(dir);
  assert.deepEqual([result.folded, result.skipped.live, result.skipped.unknown], [1, 1, 1]);
  living.count('jobs_total', {}, 8).flush();
  assert.equal(await valueOf(dir, 'jobs_total'), 15);
  living.die();
});

test('bad files and copies stay where they are, and are not counted', async (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  const whole = new DeadProcess(dir).count('jobs_total', {}, 1).die();
  const broken = new DeadProcess(dir).count('jobs_total', {}, 2).die();
  const bytes = readFileSync(broken.path);
  bytes[bytes.lastIndexOf('jobs_total') + 2] ^= 0xff;
  writeFileSync(broken.path, bytes);
  const copy = new DeadProcess(dir).die();
  copyFileSync(whole.path, copy.path);
  writeFileSync(join(dir, '77-0-0123456789abcdef.prom-mp'), '');
  const { folded, skipped } = foldDirectory(dir);
  assert.equal(folded, 1);
  assert.deepEqual([skipped.corrupt, skipped.not_a_metrics_file], [1, 2]);
  assert.equal(dataFilesIn(dir).length, 3);
  assert.equal(await valueOf(dir, 'jobs_total'), 1);
});

test('no part of a damaged file gets into the archive', async (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  const broken = new DeadProcess(dir).count('jobs_total', {}, 2);
  for (let at = 0; at < 50; at++) broken.count('tasks_total', { task: `task-${at}` }, 1);
  broken.die();
  const bytes = readFileSync(broken.path);
  bytes[bytes.indexOf('task-49')] ^= 0xff;
  writeFileSync(broken.path, bytes);
  foldDirectory(dir);
  assert.equal(await valueOf(dir, 'jobs_total'), 1);
  assert.equal(await valueOf(dir, 'tasks_total'), undefined);
});

test('a file that an archive names is not counted while it still exists, and the next fold removes it', async (t) => {
  const dir = withTempDir(t);
  const process = new DeadProcess(dir).count('jobs_total', {}, 5).die();
  const bytes = readFileSync(process.path);
  foldDirectory(dir);
  writeFileSync(process.path, bytes);
  assert.equal(await valueOf(dir, 'jobs_total'), 5);
  assert.equal(foldDirectory(dir).removed, 1);
  assert.equal(await valueOf(dir, 'jobs_total'), 5);
});

test('the id of a writer without a lock stays named for a day, with or without its file', async (t) => {
  const dir = withTempDir(t);
  const process = new DeadProcess(dir, { identity: { liveness: 'heartbeat' } }).count('jobs_total', {}, 5).die();
  const bytes = readFileSync(process.path);
  foldDirectory(dir);
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  foldDirectory(dir);
  writeFileSync(process.path, bytes);
  assert.equal(await valueOf(dir, 'jobs_total'), 6);
});

test('counts with different buckets, labels and default labels stay separate as before', async (t) => {
  const dir = withTempDir(t);
  new DeadProcess(dir).observe('took_seconds', [1, 5], 3).die();
  new DeadProcess(dir).observe('took_seconds', [1, 2, 5], 1.5).die();
  new DeadProcess(dir, { defaultLabels: { app: 'shop' } }).count('jobs_total', { kind: 'mail' }, 1).die();
  new DeadProcess(dir, { defaultLabels: { app: 'blog' } }).count('jobs_total', { kind: 'mail' }, 2).die();
  new DeadProcess(dir).count('jobs_total', { kind: 'mail' }, 4).die();
  const before = inOrder(await familiesOf(dir));
  foldDirectory(dir);
  assert.deepEqual(inOrder(await familiesOf(dir)), before);
  // a living one with the same default labels counts into the same series
  const living = new DeadProcess(dir, { ...LIVING, defaultLabels: { app: 'shop' } })
    .count('jobs_total', { kind: 'mail' }, 10)
    .show();
  const jobs = (await familiesOf(dir)).find(({ name }) => name === 'jobs_total');
  assert.deepEqual(
    jobs?.samples.map(({ labels, value }) => [labels.app, value]),
    [
      [undefined, 4],
      ['blog', 2],
      ['shop', 11],
    ],
  );
  living.die();
});

test('an archive causes no conflict where declarations differ by default labels and pid only', async (t) => {
  const dir = withTempDir(t);
  const work = (process: DeadProcess): DeadProcess =>
    process.count('jobs_total', { kind: 'mail' }, 1).set('load', 'all', {}, 1, now());
  work(new DeadProcess(dir, { defaultLabels: { app: 'shop' } })).die();
  foldDirectory(dir);
  work(new DeadProcess(dir, { defaultLabels: { app: 'shop' } })).die();
  const collector = collectorOf(t, dir, { threads: false, fold: false });
  const conflicts = (await collector.families()).find(({ name }) => name === 'prom_multiproc_conflicting_families');
  assert.deepEqual(
    conflicts?.samples.filter(({ value }) => value > 0),
    [],
  );
});

test('the last declaration of dead processes counts for the others in the archive too, even without series', async (t) => {
  const dir = withTempDir(t);
  const start = Date.now() - DAY * 1000;
  for (const [at, type] of (['counter', 'gauge', 'counter'] as const).entries()) {
    const clock = t.mock.method(Date, 'now', () => start + at * 1000);
    const process = new DeadProcess(dir);
    if (type === 'counter') process.count('jobs', {}, 1).die();
    else process.set('jobs', 'livesum', {}, 5, 1).die();
    clock.mock.restore();
    const before = await familiesOf(dir);
    assert.equal(foldDirectory(dir).folded, 1);
    assert.deepEqual(await familiesOf(dir), before);
    assert.equal(before[0].type, type);
  }
});

test('a gauge that ends with its process does so, whatever the newest declaration is', async (t) => {
  const dir = withTempDir(t);
  new DeadProcess(dir).set('in_flight', 'livesum', {}, 7, 1).count('jobs_total', {}, 1).die();
  const clock = t.mock.method(Date, 'now', () => performance.timeOrigin + performance.now() + 10_000);
  const living = new DeadProcess(dir, LIVING).set('in_flight', 'sum', {}, 5, 1).show();
  clock.mock.restore();
  assert.equal(await valueOf(dir, 'in_flight'), 5);
  assert.equal(foldDirectory(dir).folded, 1);
  assert.equal(await valueOf(dir, 'in_flight'), 5);
  living.die();
});

test('gauges that were folded per process are merged when the newest declaration requires it', async (t) => {
  const dir = withTempDir(t);
  for (const value of [7, 3]) new DeadProcess(dir).set('load', 'all', {}, value, 1).die();
  const clock = t.mock.method(Date, 'now', () => performance.timeOrigin + performance.now() + 10_000);
  const living = new DeadProcess(dir, LIVING).set('load', 'max', {}, 5, 1).show();
  clock.mock.restore();
  const before = await familiesOf(dir);
  assert.deepEqual(
    before[0].samples.map(({ labels, value }) => [{ ...labels }, value]),
    [[{}, 7]],
  );
  assert.equal(foldDirectory(dir).folded, 2);
  assert.deepEqual(await familiesOf(dir), before);
  living.die();
});

test('registries stay apart in the archive', async (t) => {
  const dir = withTempDir(t);
  const process = new DeadProcess(dir);
  process.declare({ name: 'inner_total', help: 'h', type: 'counter', labelNames: [] }, ['library']);
  process.count('inner_total', {}, 3).count('jobs_total', {}, 1).die();
  foldDirectory(dir);
  assert.equal(await valueOf(dir, 'inner_total', { registry: 'default' }), undefined);
  assert.equal(await valueOf(dir, 'inner_total', { registry: 'library' }), 3);
  assert.equal(await valueOf(dir, 'jobs_total', { registry: 'default' }), 1);
});

test('live gauges are dropped, and the others are kept until their retention ends', async (t) => {
  const dir = withTempDir(t);
  const die = (value: number, hoursAgo: number): void => {
    const process = new DeadProcess(dir).set('queue', 'sum', {}, value, now()).set('inflight', 'livesum', {}, 9, now());
    process.die(now() - hoursAgo * 3600);
  };
  die(1, 0);
  die(2, 5);
  die(4, 23.5);
  foldDirectory(dir);
  assert.equal(await valueOf(dir, 'queue'), 7);
  assert.equal(await valueOf(dir, 'inflight'), undefined);
  // each disappears with its hour
  assert.equal(await valueOf(dir, 'queue', { deadRetentionSeconds: 8 * 3600 }), 3);
  assert.equal(await valueOf(dir, 'queue', { deadRetentionSeconds: 2 * 3600 }), 1);
  die(8, 0);
  foldDirectory(dir, { deadRetentionSeconds: 8 * 3600 });
  assert.equal(await valueOf(dir, 'queue', { deadRetentionSeconds: DAY }), 11);
});

test('gauges that are shown per process are kept for a limited number of processes, the last ones', async (t) => {
  const dir = withTempDir(t);
  for (let at = 0; at < 10; at++) {
    new DeadProcess(dir, { identity: { pid: 6_000_000 + at } })
      .set('load', 'all', {}, at, now())
      .count('jobs_total', {}, 1)
      .die(now() - (20 - at) * 3600);
    if (at % 3 === 0) foldDirectory(dir, { deadRetentionProcesses: 4 });
  }
  foldDirectory(dir, { deadRetentionProcesses: 4 });
  const load = (await familiesOf(dir)).find(({ name }) => name === 'load');
  assert.deepEqual(
    load?.samples.map(({ labels }) => labels.pid),
    ['6000006', '6000007', '6000008', '6000009'],
  );
  assert.equal(await valueOf(dir, 'jobs_total'), 10);
});

test('among processes with the same pid the newest is shown, as without folding', async (t) => {
  const dir = withTempDir(t);
  for (const start of [300, 100, 200]) {
    const identity = { pid: 1, pidNamespace: `pid:[${start}]`, startedAt: start };
    new DeadProcess(dir, { identity }).set('load', 'all', {}, start, now()).die();
  }
  assert.equal(await valueOf(dir, 'load'), 300);
  foldDirectory(dir);
  assert.equal(await valueOf(dir, 'load'), 300);
});

test('the newest exemplar is kept', async (t) => {
  const dir = withTempDir(t);
  for (const [at, traceId] of ['b', 'c', 'a'].entries()) {
    new DeadProcess(dir).count('jobs_total', {}, 1).trace('jobs_total', traceId, [20, 30, 10][at]).die();
    foldDirectory(dir);
  }
  const [jobs] = await familiesOf(dir);
  assert.deepEqual(
    { ...jobs.samples[0].exemplar, labels: { ...jobs.samples[0].exemplar?.labels } },
    {
      labels: { traceId: 'c' },
      value: 1,
      timestamp: 30,
    },
  );
});

test('expired windows of a summary are not copied', async (t) => {
  const dir = withTempDir(t);
  const window = { seconds: 600, count: 2 };
  const process = new DeadProcess(dir).summarize('took_seconds', 100, window, now() - 3600);
  process.summarize('took_seconds', 1, window).die();
  const before = await familiesOf(dir);
  foldDirectory(dir);
  assert.deepEqual(await familiesOf(dir), before);
  const took = (await familiesOf(dir))[0].samples;
  assert.deepEqual(
    took.map(({ value }) => Math.round(value)),
    [1, 1, 1, 101, 2],
  );
});

test('series beyond maxSeries are dropped and counted, and earlier ones continue', async (t) => {
  const dir = withTempDir(t);
  const count = (kinds: readonly string[]): void => {
    const process = new DeadProcess(dir);
    for (const kind of kinds) process.count('jobs_total', { kind }, 1);
    process.die();
  };
  count(['a', 'b', 'c']);
  assert.equal(foldDirectory(dir, { maxSeries: 3 }).droppedSeries, 0);
  count(['a', 'b', 'd', 'e']);
  assert.equal(foldDirectory(dir, { maxSeries: 3 }).droppedSeries, 2);
  const jobs = (await familiesOf(dir))[0].samples.map(({ labels, value }) => [labels.kind, value]);
  assert.deepEqual(jobs, [
    ['a', 2],
    ['b', 2],
    ['c', 1],
  ]);
  const collector = collectorOf(t, dir, { threads: false, fold: false });
  const samples = (await collector.families()).flatMap((family) => family.samples);
  assert.equal(samples.find(({ name }) => name === 'prom_multiproc_archive_dropped_series')?.value, 2);
});

test('a family that no process has declared for long is dropped, but never one that a living process declares', async (t) => {
  const dir = withTempDir(t);
  const old = now() - 40 * DAY;
  new DeadProcess(dir).count('old_total', {}, 1).count('kept_total', {}, 1).die(old);
  assert.equal(foldDirectory(dir, { familyRetentionSeconds: 365 * DAY }).folded, 1);
  const living = new DeadProcess(dir, LIVING).count('kept_total', {}, 1).show();
  new DeadProcess(dir).count('new_total', {}, 1).die();
  const result = foldDirectory(dir);
  assert.equal(result.droppedFamilies, 1);
  assert.equal(await valueOf(dir, 'old_total'), undefined);
  assert.equal(await valueOf(dir, 'kept_total'), 2);
  assert.equal(await valueOf(dir, 'new_total'), 1);
  living.die();
});

test('a damaged file does not prevent a family from being dropped', async (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  new DeadProcess(dir).count('old_total', {}, 1).die(now() - 40 * DAY);
  foldDirectory(dir, { familyRetentionSeconds: 365 * DAY });
  writeFileSync(join(dir, '77-0-0123456789abcdef.prom-mp'), '');
  new DeadProcess(dir).count('new_total', {}, 1).die();
  assert.equal(foldDirectory(dir).droppedFamilies, 1);
});

test('a full disk leaves everything as it was', async (t) => {
  const dir = withTempDir(t);
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  foldDirectory(dir);
  new DeadProcess(dir).count('jobs_total', {}, 2).die();
  const before = readdirSync(dir);
  t.after(() => (Fold.onStep = undefined));
  Fold.onStep = (step) => {
    if (step === 'temporary written') throw Object.assign(new Error('full'), { code: 'ENOSPC' });
  };
  const { abandoned, folded, generation } = foldDirectory(dir);
  assert.deepEqual([abandoned, folded, generation], ['no room', 0, 1]);
  assert.deepEqual(readdirSync(dir), before);
  Fold.onStep = undefined;
  assert.equal(foldDirectory(dir).folded, 1);
  assert.equal(await valueOf(dir, 'jobs_total'), 3);
});

test('a process that lived longer than the retention is folded completely', async (t) => {
  const dir = withTempDir(t);
  const process = new DeadProcess(dir);
  process.declare({ name: 'jobs_total', help: 'h', type: 'counter', labelNames: [] });
  process.count('jobs_total', {}, 7).die();
  foldDirectory(dir, { familyRetentionSeconds: 60 });
  assert.equal(await valueOf(dir, 'jobs_total'), 7);
});

test('an archive that is damaged at any byte is neither used nor removed, and folds continue', async (t) => {
  const template = withTempDir(t);
  new DeadProcess(template).count('jobs_total', {}, 1).observe('took_seconds', [1, 2], 1).die();
  foldDirectory(template);
  const whole = readFileSync(join(template, archiveName(1)));
  const damage = fc.oneof(
    fc.record({ at: fc.nat(whole.length - 1), bits: fc.integer({ min: 1, max: 255 }) }),
    fc.record({ length: fc.nat(whole.length - 1) }),
  );
  await fc.assert(
    fc.asyncProperty(damage, async (harm) => {
      const dir = withTempDir(t);
      const damaged = 'length' in harm ? whole.subarray(0, harm.length) : Buffer.from(whole);
      if (!('length' in harm)) damaged[harm.at] ^= harm.bits;
      writeFileSync(join(dir, archiveName(3)), damaged);
      new DeadProcess(dir).count('jobs_total', {}, 10).die();
      assert.equal(await valueOf(dir, 'jobs_total'), 10);
      const result = foldDirectory(dir);
      const isOfOtherVersion = 'at' in harm && harm.at >= 12 && harm.at < 14;
      if (isOfOtherVersion && result.abandoned === 'archive unreadable') return;
      assert.deepEqual([result.generation, result.folded], [1, 1]);
      assert.deepEqual(result.damagedArchives, [archiveName(3)]);
      assert.deepEqual(readFileSync(join(dir, archiveName(3))), damaged);
      assert.equal(await valueOf(dir, 'jobs_total'), 10);
    }),
    { numRuns: 60 },
  );
});

test('the next archive below a damaged one counts', async (t) => {
  const dir = withTempDir(t);
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  foldDirectory(dir);
  writeFileSync(join(dir, archiveName(2)), 'torn');
  new DeadProcess(dir).count('jobs_total', {}, 2).die();
  assert.equal(await valueOf(dir, 'jobs_total'), 3);
  assert.equal(foldDirectory(dir).generation, 3);
  assert.equal(await valueOf(dir, 'jobs_total'), 3);
  assert.deepEqual(archivesIn(dir), [archiveName(2), archiveName(3)]);
  // it stays for somebody to inspect
  new DeadProcess(dir).count('jobs_total', {}, 4).die();
  assert.equal(foldDirectory(dir).generation, 4);
  assert.deepEqual(archivesIn(dir), [archiveName(2), archiveName(4)]);
});

test('nothing is folded past an archive of a later version, or one under another name', async (t) => {
  const dir = withTempDir(t);
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  foldDirectory(dir);
  const later = readFileSync(join(dir, archiveName(1)));
  new Uint16Array(later.buffer, later.byteOffset + 12, 1)[0] = 9;
  writeFileSync(join(dir, archiveName(2)), later);
  new DeadProcess(dir).count('jobs_total', {}, 2).die();
  const result = foldDirectory(dir);
  assert.equal(result.abandoned, 'archive unreadable');
  assert.match(result.notices.join(), /version 9/);
  copyFileSync(join(dir, archiveName(1)), join(dir, archiveName(2)));
  assert.equal(await valueOf(dir, 'jobs_total'), 3);
  assert.deepEqual(foldDirectory(dir).damagedArchives, [archiveName(2)]);
});

test('folding in any grouping shows what not folding shows', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(life(), { minLength: 1, maxLength: 8 }), async (lives) => {
      const [plain, folded] = [withTempDir(t), withTempDir(t)];
      const start = Math.floor(now()) - 1000;
      for (const [at, { events, foldsAfter, defaultLabels }] of lives.entries()) {
        for (const dir of [plain, folded]) {
          const identity = { pid: 7_000_000 + at, startedAt: start + at, createdAt: start + at };
          const process = new DeadProcess(dir, { identity, defaultLabels });
          events.forEach((event, place) => apply(process, event, start + at * 20 + place));
          process.die();
        }
        if (foldsAfter) assert.equal(foldDirectory(folded).abandoned, undefined);
      }
      assert.deepEqual(inOrder(await familiesOf(folded)), inOrder(await familiesOf(plain)));
      // and as a simple model computes it
      const jobs = lives.flatMap(({ events }) => events).filter(({ kind }) => kind === 'count');
      const total = (await familiesOf(folded))
        .filter(({ name }) => name === 'jobs_total')
        .flatMap(({ samples }) => samples)
        .reduce((sum, { value }) => sum + value, 0);
      assert.equal(
        total,
        jobs.reduce((sum, { value }) => sum + value, 0),
      );
    }),
    { numRuns: 60 },
  );
});

interface Event {
  readonly kind:
    | 'count'
    | 'observe'
    | 'summarize'
    | 'slide'
    | 'trace'
    | 'sum'
    | 'max'
    | 'min'
    | 'mostrecent'
    | 'all'
    | 'livesum';
  /** Quarters can be added exactly. */
  readonly value: number;
  readonly label: string;
  readonly wide: boolean;
}

interface Life {
  readonly events: Event[];
  readonly foldsAfter: boolean;
  readonly defaultLabels: Record<string, string> | undefined;
}

function life(): fc.Arbitrary<Life> {
  const event: fc.Arbitrary<Event> = fc.record({
    kind: fc.constantFrom<Event['kind']>(
      ...([
        'count',
        'observe',
        'summarize',
        'slide',
        'trace',
        'sum',
        'max',
        'min',
        'mostrecent',
        'all',
        'livesum',
      ] as const),
    ),
    value: fc.integer({ min: 0, max: 40 }).map((quarters) => quarters / 4),
    label: fc.constantFrom('a', 'b', 'ü"\\\n'),
    wide: fc.boolean(),
  });
  return fc.record({
    events: fc.array(event, { maxLength: 12 }),
    foldsAfter: fc.boolean(),
    defaultLabels: fc.constantFrom<Life['defaultLabels']>(undefined, { app: 'shop' }, { label: 'x', zone: '' }),
  });
}

function apply(process: DeadProcess, { kind, value, label, wide }: Event, time: number): void {
  switch (kind) {
    case 'count':
      process.count('jobs_total', { label }, value);
      return;
    case 'observe':
      process.observe('took_seconds', wide ? [1, 2, 5] : [0.5, 2], value);
      return;
    case 'summarize':
      process.summarize('size_bytes', wide ? -value : value);
      return;
    case 'slide':
      process.summarize('recent_bytes', value, { seconds: 100_000, count: 3 });
      return;
    case 'trace':
      process.trace('traced_total', label, time);
      return;
    default:
      process.set(`gauge_${kind}`, kind, { label }, value, time);
  }
}

test('an archive can be read by the users that could read its files', needs('other users'), async (t) => {
  const dir = withTempDir(t);
  chmodSync(dir, 0o755);
  new DeadProcess(dir, { mode: 0o644 }).count('jobs_total', {}, 3).die();
  foldDirectory(dir);
  const sidecar = forkProgram(t, 'archive/programs/fold-sidecar', [dir], { uid: 1000, gid: 1000 });
  assert.deepEqual(await sidecar.nextMessage(), { value: 3, folded: 0, abandoned: 'not permitted' });
});

test('an archive of another user can be read by the owner of the files in it', needs('other users'), async (t) => {
  const dir = withTempDir(t);
  chownSync(dir, 0, 1000);
  chmodSync(dir, 0o770);
  new DeadProcess(dir, { mode: 0o644 }).count('jobs_total', {}, 3).die();
  const sidecar = forkProgram(t, 'archive/programs/fold-sidecar', [dir], { uid: 1000, gid: 1000 });
  assert.deepEqual(await sidecar.nextMessage(), { value: 3, folded: 1 });
  assert.equal(statSync(join(dir, archiveName(1))).uid, 1000);
  assert.equal(await valueOf(dir, 'jobs_total'), 3);
});

test("root's archive belongs to the owner of the files in it", needs('other users'), async (t) => {
  const dir = withTempDir(t);
  chownSync(dir, 0, 1000);
  chmodSync(dir, 0o770);
  const worker = forkProgram(t, 'archive/programs/fold-writer', [dir], { uid: 1000, gid: 1000 });
  await worker.nextMessage();
  await worker.kill();
  foldDirectory(dir);
  const { uid, gid, mode } = statSync(join(dir, archiveName(1)));
  assert.deepEqual([uid, gid, mode & 0o777], [1000, 1000, 0o600]);
});

test('many dead files become one archive whose size depends on their series', (t) => {
  const dir = withTempDir(t);
  for (let at = 1; at <= 600; at++) {
    new DeadProcess(dir)
      .count('jobs_total', { kind: `kind-${at % 20}` }, 1)
      .observe('took_seconds', [1, 2], 1)
      .die();
    if (at % 100 === 0) foldDirectory(dir);
  }
  const names = readdirSync(dir).filter((name) => statSync(join(dir, name)).size > 0);
  assert.deepEqual(names, [archiveName(6)]);
  assert.ok(statSync(join(dir, archiveName(6))).size < 64 * 1024);
});

test('a fold is due by number or by size', () => {
  assert.equal(foldDue({ files: 0, bytes: 0 }, { files: 0 }), false);
  assert.equal(foldDue({ files: 9, bytes: 1000 }), false);
  assert.equal(foldDue({ files: 10, bytes: 1000 }), true);
  assert.equal(foldDue({ files: 1, bytes: 5 * 1024 * 1024 }), true);
  assert.equal(foldDue({ files: 3, bytes: 10 }, { files: 3 }), true);
});
