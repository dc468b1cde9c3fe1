import assert from 'node:assert/strict';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FoldSource } from '../../src/archive/fold-source.js';
import { checkFile } from '../../src/metrics-file/check.js';
import { BLOCK, BlockKind, HEADER, PAGE_BYTES } from '../../src/metrics-file/layout.js';
import { FileReader } from '../../src/metrics-file/reader.js';
import { encodeFamily, encodeRemoval, encodeReplacement, encodeSeries } from '../../src/metrics-file/record.js';
import { Reading } from '../support/reading.js';
import { overwrite } from '../support/overwrite.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter, gauge, histogram } from '../support/declarations.js';
import { addTo, attach, createFile, createWriter, fileKinds } from '../support/written-file.js';

const SERIES = { family: 1, block: 0, slot: 0, createdAt: 0, endedAt: 0, labelValues: ['x'] };
const FAMILY = { id: 1, declaration: counter('jobs_total', ['kind']), registries: ['default'], declaredAt: 1 };

/** A file with the log that the test appends, behind one block of counters. */
function logOf(t: TestContext, records: readonly Uint8Array[]): { path: string; offsets: number[] } {
  const writer = createWriter(withTempDir(t, { checkFiles: false }), { kind: 'written' });
  writer.addValueBlock(BlockKind.Sum, 100)!.publishUsed(2);
  let offset = HEADER.bytes + PAGE_BYTES + BLOCK.data;
  const offsets = records.map((record) => {
    assert.ok(writer.append(record));
    offset += record.length;
    return offset - record.length;
  });
  writer.close();
  return { path: writer.bytes.path, offsets };
}

for (const kind of fileKinds()) {
  test(`a ${kind} file of the store is valid, while it is written and afterwards`, (t) => {
    const { store, writer, path } = createFile(withTempDir(t), { kind });
    const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
    const times = store.declare(histogram('time_seconds', [1, 2]), ['default']);
    const depth = store.declare(gauge('depth', 'max'), ['default']);
    const all = Array.from({ length: 2000 }, (_, at) => attach(store, jobs, [String(at)]));
    for (const family of [times, depth]) addTo(attach(store, family, []), 1);
    store.attachTo(all[0], { kind: 'exemplar', slotOffset: 0 });
    for (const series of all.slice(500)) store.detach(series);
    writer.flush();
    const { ok, problems, families, series, blocks } = checkFile(path);
    assert.deepEqual({ ok, problems, families, series }, { ok: true, problems: [], families: 3, series: 502 });
    assert.ok(blocks >= 5);
    writer.close();
    assert.ok(checkFile(path).ok);
  });
}

test('a file of another format has its problem at byte 0, and nothing is thrown', (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  const path = join(dir, 'x');
  for (const [text, reason] of [
    ['', /^the file is empty$/],
    ['jobs_total 5\n', /^has another magic number$/],
  ] as const) {
    writeFileSync(path, text);
    const { ok, problems } = checkFile(path);
    assert.equal(ok, false);
    assert.equal(problems[0].offset, 0);
    assert.match(problems[0].reason, reason);
  }
  assert.match(checkFile(join(dir, 'missing')).problems[0].reason, /ENOENT/);
  assert.match(checkFile(dir).problems[0].reason, /not a regular file/);
});

test('the problem of a truncated file tells where it ends and how much is missing', (t) => {
  const { path } = logOf(t, [encodeFamily(FAMILY), encodeSeries(SERIES)]);
  truncateSync(path, HEADER.bytes + PAGE_BYTES + 100);
  const { problems } = checkFile(path);
  assert.deepEqual(problems, [
    {
      offset: HEADER.bytes + PAGE_BYTES,
      reason: 'a block goes beyond the end of the file (needs 8192 bytes, has 100)',
      requiredBytes: 2 * PAGE_BYTES,
      availableBytes: 100,
    },
  ]);
});

test('a flipped bit is found at its record', (t) => {
  const { path, offsets } = logOf(t, [encodeFamily(FAMILY), encodeSeries(SERIES)]);
  overwrite(path, offsets[1] + 20, Buffer.from([readFileSync(path)[offsets[1] + 20] ^ 1]));
  const { problems, families, series } = checkFile(path);
  assert.deepEqual(problems, [{ offset: offsets[1], reason: 'the checksum of a record is wrong' }]);
  assert.deepEqual({ families, series }, { families: 1, series: 0 });
});

/** Logs that none of our writers creates, the invalid record, and the reported reason. */
const FAULTS: Record<string, { records: Uint8Array[]; at: number; reason: RegExp }> = {
  'a series of no family': { records: [encodeSeries(SERIES)], at: 0, reason: /family 1, which is not declared/ },
  'a family of no type': {
    records: [encodeFamily({ ...FAMILY, declaration: { ...FAMILY.declaration, type: 'guess' as never } })],
    at: 0,
    reason: /the field type of a family is wrong/,
  },
  'a series in a block that is not there': {
    records: [encodeFamily(FAMILY), encodeSeries({ ...SERIES, block: 7 })],
    at: 1,
    reason: /in block 7, which is not there/,
  },
  'a series in a block of records': {
    records: [encodeFamily(FAMILY), encodeSeries({ ...SERIES, block: 1 })],
    at: 1,
    reason: /in block 1, which is of kind 1/,
  },
  'a series beyond what is used': {
    records: [encodeFamily(FAMILY), encodeSeries({ ...SERIES, slot: 2 })],
    at: 1,
    reason: /slot 2 is beyond what is used of block 0/,
  },
  'two series in one slot': {
    records: [encodeFamily(FAMILY), encodeSeries(SERIES), encodeSeries({ ...SERIES, labelValues: ['y'] })],
    at: 2,
    reason: /slot 0 is that of the record at byte \d+ too/,
  },
  'a move to a block that has no gauges': {
    records: [encodeFamily(FAMILY), encodeSeries(SERIES), encodeReplacement([0, 0, 0, 0])],
    at: 2,
    reason: /slots of kind 3 in block 0, which is of kind 2/,
  },
  'a histogram that is process-wide': {
    records: [encodeFamily({ ...FAMILY, declaration: { ...histogram('time_seconds', [1]), processWide: true } })],
    at: 0,
    reason: /the field processWide of a family is wrong/,
  },
  'a removal of nothing': { records: [encodeRemoval(0, 1)], at: 0, reason: /where none is/ },
};

for (const [name, { records, at, reason }] of Object.entries(FAULTS)) {
  test(`${name} is found at its record`, (t) => {
    const { path, offsets } = logOf(t, records);
    const { ok, problems } = checkFile(path);
    assert.equal(ok, false);
    assert.equal(problems.length, 1, JSON.stringify(problems));
    assert.equal(problems[0].offset, offsets[at]);
    assert.match(problems[0].reason, reason);
  });
}

test('readers and folds refuse to move series that are not gauges, and moves in a circle', (t) => {
  for (const moves of [
    [0, 0, 0, 1],
    [0, 0],
    [7, 0, 0, 0],
    [0, 0, 0, 0],
  ]) {
    const { path } = logOf(t, [encodeFamily(FAMILY), encodeSeries(SERIES), encodeReplacement(moves)]);
    const reading = new Reading(dirname(path));
    assert.deepEqual(reading.values(), {});
    assert.equal(reading.stats.skipped.corrupt, 1, String(moves));
    reading.close();
    assert.throws(() => new FoldSource(new FileReader(path)), { code: 'ERR_CORRUPT_FILE' });
  }
});

test('a key with more values than the family has labels is a problem: it would be a second series with the same labels', (t) => {
  const { path } = logOf(t, [encodeFamily(FAMILY), encodeSeries({ ...SERIES, labelValues: ['x', 'y'] })]);
  assert.match(checkFile(path).problems[0].reason, /a key of 1 labels/);
});
