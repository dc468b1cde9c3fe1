/** Native histograms of several files in one output. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { nativeRole } from '../../src/metrics-file/attachment.js';
import { checkFile } from '../../src/metrics-file/check.js';
import { join } from 'node:path';
import { archiveName } from '../../src/directory/file-name.js';
import type { FamilyDeclaration } from '../../src/model/family-declaration.js';
import type { NativeHistogram } from '../../src/model/native-histogram.js';
import { DeadProcess } from '../support/dead-process.js';
import { decodeProtobuf } from '../support/protobuf-decoder.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { attach, createFile } from '../support/written-file.js';

const NATIVE = { schema: 3, zeroThreshold: 2 ** -128, maxBuckets: 160 };
const DECLARATION: FamilyDeclaration = {
  name: 'took_seconds',
  help: 'h',
  type: 'histogram',
  labelNames: [],
  bounds: [],
  native: NATIVE,
};

function observed(dir: string, values: readonly number[], changes: Partial<FamilyDeclaration> = {}): DeadProcess {
  const process = new DeadProcess(dir);
  const declaration = { ...DECLARATION, ...changes };
  process.declare(declaration);
  for (const value of values) process.observe(declaration.name, declaration.bounds!, value);
  return process;
}

/** The native histogram of the only series, with the values of its lines. */
function read(reading: Reading): { native: NativeHistogram | undefined; lines: number[] } {
  const [{ samples }] = reading.families();
  return { native: samples.at(-1)!.native, lines: samples.map(({ value }) => value) };
}

test('the bins of all processes are added, and a fold changes nothing', (t) => {
  const dir = withTempDir(t);
  observed(dir, [0.1, 1, 1, 0, -3]).die();
  observed(dir, [1, 2 ** 40, 0.1]).die();
  const reading = new Reading(dir);
  const before = read(reading);
  assert.deepEqual(before.native, {
    ...{ schema: 3, zeroThreshold: 2 ** -128, zeroCount: 1 },
    positive: [
      [-26, 2],
      [0, 3],
      [320, 1],
    ],
    negative: [[13, 1]],
  });
  assert.deepEqual(before.lines, [8, 2 ** 40 + 0.2, 8].toSpliced(1, 1, before.lines[1]));
  const { generation } = foldDirectory(dir);
  assert.deepEqual(read(reading), before);
  assert.deepEqual(read(new Reading(dir)), before);
  assert.ok(checkFile(join(dir, archiveName(generation))).ok);
  observed(dir, [1]).die();
  foldDirectory(dir);
  assert.equal(read(reading).native!.positive[1][1], 4);
  reading.close();
});

test('the lowest resolution of all declarations holds, also after their processes were folded', (t) => {
  const dir = withTempDir(t);
  const reading = new Reading(dir);
  const shown = (): readonly number[] => {
    const { schema, zeroThreshold } = read(reading).native!;
    return [schema, zeroThreshold];
  };
  observed(dir, [0.3, 5]).show();
  assert.deepEqual(shown(), [3, 2 ** -128]);
  // one of them has no series
  new DeadProcess(dir).declare({ ...DECLARATION, native: { ...NATIVE, schema: 1 } });
  const idle = new DeadProcess(dir);
  idle.declare({ ...DECLARATION, native: { ...NATIVE, schema: 2, zeroThreshold: 0.5 } });
  idle.show();
  assert.deepEqual(shown(), [2, 0.5]);
  assert.equal(read(reading).native!.zeroCount, 1);
  idle.die();
  assert.deepEqual(shown(), [2, 0.5]);
  foldDirectory(dir);
  assert.deepEqual(shown(), [2, 0.5]);
  observed(dir, [7]).die();
  foldDirectory(dir);
  assert.deepEqual(shown(), [2, 0.5]);
  const { zeroCount, positive } = read(reading).native!;
  assert.deepEqual([zeroCount, positive.map(([, count]) => count)], [1, [1, 1]]);
  reading.close();
});

test('a declaration without series keeps its resolution in the archive, also where a later one has no bins', (t) => {
  const dir = withTempDir(t);
  const idle = new DeadProcess(dir);
  idle.declare({ ...DECLARATION, native: { ...NATIVE, schema: 1 } });
  idle.die();
  observed(dir, [0.5], { bounds: [1], native: undefined }).die();
  assert.equal(foldDirectory(dir).folded, 2);
  observed(dir, [0.3, 5]).show();
  const reading = new Reading(dir);
  assert.equal(read(reading).native!.schema, 1);
  reading.close();
});

test('processes without bins, and processes without buckets, are in both flavours', (t) => {
  for (const isFolded of [false, true]) {
    const dir = withTempDir(t);
    observed(dir, [0.5, 0.5, 3, 100], { bounds: [1, 4], native: undefined }).die();
    observed(dir, [0.5, 2, 9], { bounds: [1, 4] }).die();
    observed(dir, [0.25, 4, 50]).die();
    if (isFolded) foldDirectory(dir);
    const reading = new Reading(dir);
    const { native, lines } = read(reading);
    assert.deepEqual(lines, [4, 7, 10, 169.75, 10]);
    assert.deepEqual(native, {
      ...{ schema: 3, zeroThreshold: 2 ** -128, zeroCount: 0 },
      positive: [
        [-16, 1],
        [-8, 1],
        [0, 2],
        [8, 1],
        [16, 2],
        [17, 1],
        [26, 1],
        [46, 1],
      ],
      negative: [],
    });
    const [family] = decodeProtobuf(reading.body('protobuf'));
    assert.deepEqual(
      family.samples.map(({ value }) => value),
      lines,
    );
    reading.close();
  }
});

test('a bin that is no count removes only its process, living, dead and folded', (t) => {
  for (const wrong of [0.5, -1, NaN, Infinity, 2 ** 53]) {
    const warn = t.mock.method(console, 'warn', () => {});
    const dir = withTempDir(t);
    observed(dir, [1, 2]).die();
    const { store, writer } = createFile(dir, { identity: { pid: 7_000_000 } });
    const series = attach(store, store.declare({ ...DECLARATION, bounds: [1] }, ['default']), []);
    const chunk = store.attachTo(series, nativeRole(1, 0, 3));
    chunk.view.set([3, wrong], chunk.index);
    series.view.set([3, 0, 1], series.index);
    writer.flush();
    const reading = new Reading(dir);
    assert.deepEqual(read(reading).lines.slice(1), [2, 3, 2], String(wrong));
    assert.equal(reading.stats.unusableSeries, 1);
    writer.close();
    assert.deepEqual(read(reading).lines.slice(1), [2, 3, 2], String(wrong));
    const { notices, droppedSeries } = foldDirectory(dir);
    assert.equal(droppedSeries, 1);
    assert.match(notices.join(), /a series of took_seconds is not folded/);
    assert.deepEqual(read(reading).lines.at(-1), 2);
    reading.close();
    warn.mock.restore();
  }
});

test('a sum of bins beyond the largest exact count is that count, and the bins add up to it, before and after a fold', (t) => {
  const warn = t.mock.method(console, 'warn', () => {});
  const dir = withTempDir(t);
  const reading = new Reading(dir);
  for (let process = 0; process < 3; process++) {
    const { store, writer } = createFile(dir, { identity: { pid: 7_000_000 + process } });
    const series = attach(store, store.declare({ ...DECLARATION, bounds: [1] }, ['default']), []);
    const chunk = store.attachTo(series, nativeRole(1, 0, 3));
    const huge = Number.MAX_SAFE_INTEGER - 5;
    chunk.view.set([3, huge], chunk.index);
    series.view.set([3, huge, 1], series.index);
    writer.close();
  }
  for (let look = 0; look < 3; look++) {
    const { native, lines } = read(reading);
    const count = native!.positive.reduce((sum, [, bin]) => sum + bin, native!.zeroCount);
    assert.equal(count, Number.MAX_SAFE_INTEGER);
    // the bucket of 1, +Inf, the sum and the count
    assert.deepEqual([lines[0], lines[1], lines[3]], [9, count, count]);
    assert.equal(reading.stats.unusableSeries, 1);
    foldDirectory(dir);
  }
  assert.equal(
    warn.mock.calls.filter(({ arguments: [text] }) => String(text).includes('a sum of took_seconds')).length,
    1,
  );
  reading.close();
});

test('an observation that is seen by half is in the count and in +Inf, or in no bucket beyond the count', (t) => {
  const dir = withTempDir(t);
  const { store, writer } = createFile(dir);
  const series = attach(store, store.declare({ ...DECLARATION, bounds: [1] }, ['default']), []);
  const chunk = store.attachTo(series, nativeRole(1, 0, 3));
  const reading = new Reading(dir);
  const lines = (bins: number, buckets: readonly number[]): number[] => {
    chunk.view[chunk.index] = bins;
    series.view.set(buckets, series.index);
    writer.flush();
    return read(reading).lines;
  };
  assert.deepEqual(lines(3, [2, 0, 4]), [2, 3, 4, 3]);
  assert.deepEqual(lines(3, [4, 1, 6]), [3, 3, 6, 3]);
  reading.close();
});

test('values of all magnitudes fold into a bounded number of chunks', (t) => {
  const dir = withTempDir(t);
  for (let process = 0; process < 8; process++) {
    const values = Array.from({ length: 40 }, (_, at) => 1.5 * 2 ** (40 * process + at - 100));
    observed(dir, values, { native: { ...NATIVE, maxBuckets: 0 } }).die();
  }
  const reading = new Reading(dir);
  assert.deepEqual([read(reading).native!.schema, read(reading).lines.at(-1)], [3, 320]);
  const { archiveBytes } = foldDirectory(dir);
  assert.ok(archiveBytes < 40_000, `${archiveBytes} bytes`);
  assert.deepEqual([read(reading).native!.schema, read(reading).lines.at(-1)], [0, 320]);
  reading.close();
});
