/** The contract of every store, for any backing: one suite for memory, mapped and written files. */
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { type TestContext, mock, test } from 'node:test';
import { checkFile } from '../../src/metrics-file/check.js';
import type { FileWriter } from '../../src/metrics-file/writer.js';
import type { FamilyDeclaration } from '../../src/model/family-declaration.js';
import { Series } from '../../src/storage/series.js';
import type { SeriesStore, SeriesStoreOptions } from '../../src/storage/series-store.js';
import { DETACHED, REUSE_DELAY_MS } from '../../src/storage/value-blocks.js';
import { afterTest } from '../support/after-test.js';
import { valuesIn } from '../support/reading.js';
import { counter, gauge, histogram } from '../support/declarations.js';
import { addTo, attach } from '../support/written-file.js';
import { moveAll } from '../support/move-all.js';

/** One kind of backing, on which the suite creates stores. */
export interface StoreKind {
  readonly name: string;
  /** A new store; `writer` where it has a file. */
  create(t: TestContext, options?: SeriesStoreOptions): { store: SeriesStore; writer?: FileWriter };
  /** Values that a reader finds, by name and labels; undefined where there is nothing to read. */
  read(writer: FileWriter | undefined): Record<string, number> | undefined;
  /** A file of another process, to move to. */
  createTarget(t: TestContext): FileWriter;
}

const DEFAULT = ['default'];

export function describeStore(kind: StoreKind): void {
  const { name } = kind;
  const reads = (writer: FileWriter | undefined, expected: Record<string, number>): void => {
    writer?.flush();
    const found = kind.read(writer);
    if (found === undefined) return;
    assert.deepEqual(found, expected);
    const { ok, problems } = checkFile(writer!.bytes.path);
    assert.ok(ok, JSON.stringify(problems));
  };

  test(`${name}: a series has its own slots, zero at first, and readers find its counts in them`, (t) => {
    const { store, writer } = kind.create(t);
    const jobs = store.declare(counter('jobs_total', ['kind']), DEFAULT);
    const [one, other] = [attach(store, jobs, ['a']), attach(store, jobs, ['b'])];
    assert.notEqual(`${one.block?.number}:${one.index}`, `${other.block?.number}:${other.index}`);
    assert.equal(one.view[one.index], 0);
    addTo(one, 2);
    addTo(other, 0.5);
    assert.equal(one.view[one.index], 2);
    reads(writer, { 'jobs_total{kind="a"}': 2, 'jobs_total{kind="b"}': 0.5 });
    assert.equal(store.status.liveSeries, 2);
  });

  test(`${name}: every type has the slots that it needs`, (t) => {
    const { store, writer } = kind.create(t);
    const times = store.declare(histogram('time_seconds', [1, 2]), DEFAULT);
    const series = attach(store, times, []);
    for (let slot = 0; slot < 4; slot++) addTo(series, slot + 1, slot);
    const depth = attach(store, store.declare(gauge('depth', 'max'), DEFAULT), []);
    depth.view.set([9, 1], depth.index);
    reads(writer, {
      'time_seconds_bucket{le="1"}': 1,
      'time_seconds_bucket{le="2"}': 3,
      'time_seconds_bucket{le="+Inf"}': 6,
      time_seconds_sum: 4,
      time_seconds_count: 6,
      depth: 9,
    });
  });

  test(`${name}: it grows over many blocks, and every series keeps its value`, (t) => {
    const { store, writer } = kind.create(t);
    const jobs = store.declare(counter('jobs_total', ['kind']), DEFAULT);
    const all = Array.from({ length: 5000 }, (_, at) => attach(store, jobs, [String(at)]));
    all.forEach((series, at) => addTo(series, at));
    assert.ok(new Set(all.map(({ block }) => block)).size > 3);
    assert.ok(all.every((series, at) => series.view[series.index] === at));
    reads(writer, Object.fromEntries(all.map((_, at) => [`jobs_total{kind="${at}"}`, at])));
  });

  test(`${name}: a removed series disappears, and another gets its slots after a second, zero`, (t) => {
    const clock = mock.method(performance, 'now', () => nowMs);
    afterTest(t, () => clock.mock.restore());
    let nowMs = 10_000;
    const { store, writer } = kind.create(t);
    const jobs = store.declare(counter('jobs_total', ['kind']), DEFAULT);
    const first = attach(store, jobs, ['first']);
    const { block, view, index } = first;
    addTo(first, 5);
    store.detach(first);
    assert.deepEqual([first.index, first.block, first.view.length], [DETACHED, undefined, 0]);
    assert.equal(view[index], 0);
    assert.equal(store.status.liveSeries, 0);
    writer?.flush();
    nowMs += REUSE_DELAY_MS - 1;
    const soon = attach(store, jobs, ['soon']);
    assert.notDeepEqual([soon.block, soon.index], [block, index]);
    nowMs += 1;
    const later = attach(store, jobs, ['later']);
    assert.deepEqual([later.block, later.index], [block, index]);
    assert.equal(later.view[later.index], 0);
    addTo(later, 1);
    reads(writer, { 'jobs_total{kind="soon"}': 0, 'jobs_total{kind="later"}': 1 });
  });

  test(`${name}: the holder of a removed series creates it again, from zero`, (t) => {
    const { store, writer } = kind.create(t);
    const jobs = store.declare(counter('jobs_total', ['kind']), DEFAULT);
    const series = attach(store, jobs, ['a']);
    addTo(series, 5);
    store.detach(series);
    store.detach(series);
    store.attach(series);
    addTo(series, 1);
    assert.equal(jobs.series.size, 1);
    reads(writer, { 'jobs_total{kind="a"}': 1 });
  });

  test(`${name}: a metric has no more series than it may, and reports once that it is full`, (t) => {
    const warn = t.mock.method(console, 'warn', () => {});
    const { store, writer } = kind.create(t, { maxSeriesPerMetric: 2 });
    const metric = `full_${name.replaceAll(/\W/g, '_')}_total`;
    const jobs = store.declare(counter(metric, ['kind']), DEFAULT);
    const all = ['a', 'b', 'c', 'd'].map((value) => new Series(jobs, [value]));
    assert.deepEqual(
      all.map((series) => store.attach(series)),
      [true, true, false, false],
    );
    const warnings = warn.mock.calls.map(({ arguments: [text] }) => String(text));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], new RegExp(`: ${metric} has reached 2 series; samples of further ones are dropped`));
    assert.equal(store.status.droppedSamples, 2);
    reads(writer, {
      [`${metric}{kind="a"}`]: 0,
      [`${metric}{kind="b"}`]: 0,
      [`prom_multiproc_dropped_samples_total{metric="${metric}",reason="max_series"}`]: 2,
    });
    store.detach(all[0]);
    assert.ok(store.attach(all[2]));
  });

  test(`${name}: all metrics together have no more series than the process may have`, (t) => {
    const { store } = kind.create(t, { maxSeries: 3 });
    const attached = ['a_total', 'b_total', 'c_total', 'd_total'].map((metric) =>
      store.attach(new Series(store.declare(counter(metric), DEFAULT), [])),
    );
    assert.deepEqual(attached, [true, true, true, false]);
  });

  test(`${name}: everything moves to a file with its values, and holders continue there`, (t) => {
    const { store, writer } = kind.create(t);
    store.setDefaultLabels('default', { app: 'x' });
    const jobs = store.declare(counter('jobs_total', ['kind']), DEFAULT);
    const series = attach(store, jobs, ['a']);
    const summary: FamilyDeclaration = {
      name: 'size',
      help: 'Size',
      type: 'summary',
      labelNames: [],
      quantiles: [0.5],
    };
    const sizes = attach(store, store.declare(summary, DEFAULT), []);
    sizes.view.set([30, 1], sizes.index);
    const chunk = store.attachTo(sizes, { kind: 'sketch', sign: 0, chunk: 0, windows: 1, windowSeconds: 0 });
    chunk.view.set([1, 1], chunk.index);
    addTo(series, 3);
    const target = kind.createTarget(t);
    moveAll(store, target);
    writer?.close();
    addTo(series, 1);
    assert.equal(series.block?.view, series.view);
    assert.equal(store.backing, target);
    target.flush();
    assert.deepEqual(valuesIn(dirname(target.bytes.path)), {
      'jobs_total{kind="a",app="x"}': 4,
      'size{quantile="0.5",app="x"}': 0,
      'size_sum{app="x"}': 30,
      'size_count{app="x"}': 1,
    });
    const { ok, problems } = checkFile(target.bytes.path);
    assert.ok(ok, JSON.stringify(problems));
  });

  test(`${name}: attachments are removed with their series, or one by one`, (t) => {
    const { store, writer } = kind.create(t);
    const jobs = store.declare(counter('jobs_total'), DEFAULT);
    const series = attach(store, jobs, []);
    const cells = [0, 1].map((slotOffset) => store.attachTo(series, { kind: 'exemplar', slotOffset }));
    assert.deepEqual(series.attachments, cells);
    cells[0].view[cells[0].index] = 1;
    store.detachFrom(series, cells[0]);
    assert.deepEqual([cells[0].index, series.attachments], [DETACHED, [cells[1]]]);
    store.detach(series);
    assert.deepEqual([cells[1].index, series.attachments], [DETACHED, undefined]);
    reads(writer, {});
  });

  test(`${name}: the series of a forgotten family are removed, and a family in no registry is not shown`, (t) => {
    const { store, writer } = kind.create(t);
    const jobs = store.declare(counter('jobs_total'), DEFAULT);
    const parts = store.declare(counter('parts_total'), DEFAULT);
    for (const family of [jobs, parts]) addTo(attach(store, family, []), 1);
    store.setRegistries(parts, []);
    reads(writer, { jobs_total: 1 });
    store.setRegistries(parts, DEFAULT);
    store.forget(jobs);
    assert.deepEqual([...store.families], [parts]);
    reads(writer, { parts_total: 1 });
  });

  test(`${name}: default labels apply to all series of their registry, also to earlier ones`, (t) => {
    const { store, writer } = kind.create(t);
    const jobs = store.declare(counter('jobs_total'), DEFAULT);
    attach(store, jobs, []);
    store.setDefaultLabels('default', { app: 'a' });
    store.setDefaultLabels('other', { app: 'b' });
    reads(writer, { 'jobs_total{app="a"}': 0 });
    store.setDefaultLabels('default', {});
    reads(writer, { jobs_total: 0 });
  });

  test(`${name}: the log stays short when anything is recorded a hundred thousand times`, (t) => {
    const { store, writer } = kind.create(t);
    const jobs = store.declare(counter('jobs_total', ['kind']), DEFAULT);
    const stays = attach(store, jobs, ['stays']);
    addTo(stays, 1);
    for (let round = 0; round < 20_000; round++) {
      store.setDefaultLabels('default', { round: String(round) });
      store.setRegistries(jobs, DEFAULT);
      store.forget(store.declare(counter('passing_total'), DEFAULT));
      store.detachFrom(
        stays,
        store.attachTo(stays, { kind: 'sketch', sign: 0, chunk: 0, windows: 1, windowSeconds: 0 }),
      );
      if (round % 500 === 0) writer?.flush();
    }
    reads(writer, { 'jobs_total{kind="stays",round="19999"}': 1 });
    // freed sketch chunks are kept for a second, in any number; the log is a few hundred KiB
    const { blocks } = writer === undefined ? { blocks: 0 } : checkFile(writer.bytes.path);
    assert.ok(blocks < 40, `${blocks} blocks`);
  });
}
