import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { mock, test, type TestContext } from 'node:test';
import { DirectoryCollection } from '../../src/collector/collection.js';
import { mergedFamilies } from '../../src/collector/merged-output.js';
import { dataFileName } from '../../src/directory/file-name.js';
import { crc32 } from '../../src/metrics-file/crc32.js';
import { BLOCK, BlockKind, HEADER, PAGE_BYTES, RECORD } from '../../src/metrics-file/layout.js';
import { encodeFamily, encodeKey, encodeKeyedSeries } from '../../src/metrics-file/record.js';
import { completed } from '../../src/time-slices.js';
import { afterTest } from '../support/after-test.js';
import { bareHeader } from '../support/bare-file.js';
import { selectAll } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter } from '../support/declarations.js';
import { addTo, attach, createFile, createWriter, newIdentity } from '../support/written-file.js';
import { MUTATIONS } from './mutation.js';
import { PYTHON_MUTATION_NAMES } from './python-mutation.js';
import { fuzzReader } from './reader-fuzz.js';

const OPTIONS = { deadRetentionSeconds: 60, maxOpenFiles: 10 } as const;

for (const [kind, names] of [
  ['node', Object.keys(MUTATIONS)],
  ['python', PYTHON_MUTATION_NAMES],
] as const) {
  test(`1,000 damaged files of ${kind}: nothing is thrown, no series of a whole file is harmed, what is skipped leaves no trace`, (t) => {
    const warn = mock.method(console, 'warn', () => {});
    afterTest(t, () => warn.mock.restore());
    const { damages, reasons, mostBytes } = fuzzReader(withTempDir(t, { checkFiles: false }), kind, 1000, 42);
    assert.deepEqual(new Set(damages.keys()), new Set(names));
    assert.ok((reasons.get('corrupt') ?? 0) > 200);
    assert.ok(mostBytes < 64 * 1024 * 1024, `${mostBytes} bytes for a file of a few dozen pages`);
  });
}

/** Collects once: what is skipped for which reason, and the one counter's value. */
function collect(dir: string): { skipped: Record<string, number>; total: number | undefined; bytes: number } {
  const collection = new DirectoryCollection({ dir, ...OPTIONS });
  const before = process.memoryUsage().arrayBuffers;
  for (const _ of collection.collect());
  const bytes = process.memoryUsage().arrayBuffers - before;
  const { skipped } = collection;
  const [family] = completed(mergedFamilies(selectAll(collection), {}));
  collection.close();
  const counts = Object.entries(skipped).filter(([, count]) => count > 0);
  return { skipped: Object.fromEntries(counts), total: family?.samples[0]?.value, bytes };
}

test('a file cut off at any of its bytes is skipped or counted, and the other one is counted always', (t) => {
  const warn = mock.method(console, 'warn', () => {});
  afterTest(t, () => warn.mock.restore());
  const dir = withTempDir(t, { checkFiles: false });
  const files = [1, 2].map((pid) => createFile(dir, { identity: { pid } }));
  for (const { store } of files) addTo(attach(store, store.declare(counter('jobs_total'), ['default']), []), 1);
  const whole = readFileSync(files[1].path);
  assert.equal(collect(dir).total, 2);
  const log = 2 * PAGE_BYTES;
  const lengths = Array.from({ length: 120 }, (_, at) => [
    at,
    HEADER.bytes + at,
    log + at,
    whole.length - 1 - at,
  ]).flat();
  for (const length of lengths) {
    writeFileSync(files[1].path, whole.subarray(0, length));
    const { total, skipped } = collect(dir);
    assert.equal(total, 1, `${length} bytes`);
    assert.deepEqual(skipped, { [length === 0 ? 'not_a_metrics_file' : 'corrupt']: 1 }, `${length} bytes`);
  }
  truncateSync(files[1].path, 0);
});

test('what is no plain file under a name of ours is skipped without waiting for it', async (t) => {
  const warn = mock.method(console, 'warn', () => {});
  afterTest(t, () => warn.mock.restore());
  const dir = withTempDir(t, { checkFiles: false });
  const { store } = createFile(dir);
  addTo(attach(store, store.declare(counter('jobs_total'), ['default']), []), 1);
  const name = (id: number): string =>
    join(dir, dataFileName({ pid: 9, threadId: 0, id: id.toString(16).padStart(16, '0') }));
  mkdirSync(name(1));
  execFileSync('mkfifo', [name(2)]);
  symlinkSync('/dev/zero', name(3));
  symlinkSync(join(dir, 'nowhere'), name(4));
  const server = createServer().listen(name(5));
  afterTest(t, () => void server.close());
  await once(server, 'listening');
  const { skipped, total } = collect(dir);
  assert.equal(total, 1);
  assert.deepEqual(skipped, { not_a_metrics_file: 5 });
});

test('lengths that no file has cost no memory and no time', (t) => {
  const warn = mock.method(console, 'warn', () => {});
  afterTest(t, () => warn.mock.restore());
  const dir = withTempDir(t, { checkFiles: false });
  const identity = newIdentity({ liveness: 'heartbeat' });
  const path = join(dir, dataFileName(identity));
  const head = (kind: number, pages: number, used: number, place = 0): Buffer => {
    const block = Buffer.alloc(BLOCK.data);
    [kind, pages, 1, used, place].forEach((word, at) => block.writeUInt32LE(word, 4 * at));
    return block;
  };
  const header = (blocks: number): Buffer => {
    const page = bareHeader(identity);
    page.writeUInt32LE(1, HEADER.keyEpoch);
    page.writeUInt32LE(blocks, HEADER.blockCount);
    return page;
  };
  const claims: Record<string, { blocks: number; head: Buffer; size: number }> = {
    'four billion blocks': { blocks: 2 ** 32 - 1, head: head(BlockKind.Sum, 1, 0), size: 2 * PAGE_BYTES },
    'a block of 16 TiB': { blocks: 1, head: head(BlockKind.Sum, 2 ** 32 - 1, 0), size: 2 * PAGE_BYTES },
    'a log of 4 GiB': { blocks: 1, head: head(BlockKind.Key, 1, 2 ** 32 - 1), size: 2 * PAGE_BYTES },
    'a file of 64 GiB that is one hole': {
      blocks: 1,
      head: head(BlockKind.Key, 2 ** 24 - 1, 2 ** 32 - 8),
      size: 2 ** 36,
    },
  };
  for (const [name, claim] of Object.entries(claims)) {
    const fd = openSync(path, 'w');
    writeSync(fd, Buffer.concat([header(claim.blocks), claim.head]));
    ftruncateSync(fd, claim.size);
    closeSync(fd);
    const { skipped, bytes } = collect(dir);
    assert.deepEqual(skipped, { corrupt: 1 }, name);
    assert.ok(bytes < 1024 * 1024, `${name}: ${bytes} bytes`);
    rmSync(path);
  }
});

test('a log in thousands of key blocks, which none of ours is, is read through once', (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  const identity = newIdentity({ liveness: 'heartbeat' });
  const blocks = 4000;
  const page = bareHeader(identity);
  page.writeUInt32LE(1, HEADER.keyEpoch);
  page.writeUInt32LE(blocks, HEADER.blockCount);
  const file = Buffer.alloc((blocks + 1) * PAGE_BYTES);
  page.copy(file);
  // from the last place to the first: looked for one by one this is 16 million reads
  for (let at = 0; at < blocks; at++) {
    [BlockKind.Key, 1, 1, 0, blocks - 1 - at].forEach((word, place) => {
      file.writeUInt32LE(word, (at + 1) * PAGE_BYTES + 4 * place);
    });
  }
  writeFileSync(join(dir, dataFileName(identity)), file);
  assert.deepEqual(collect(dir).skipped, {});
});

/** A file that declares one counter, and has room for two series of it. */
function fileOfOneFamily(t: TestContext): { dir: string; writer: ReturnType<typeof createWriter> } {
  const warn = mock.method(console, 'warn', () => {});
  afterTest(t, () => warn.mock.restore());
  const dir = withTempDir(t, { checkFiles: false });
  const writer = createWriter(dir);
  writer.addValueBlock(BlockKind.Sum, 8)!.publishUsed(2);
  const declaration = counter('jobs_total', ['kind']);
  writer.append(encodeFamily({ id: 1, declaration, registries: ['default'], declaredAt: 1 }));
  return { dir, writer };
}

test('a key with something behind it, which readers would take for another key, is refused', (t) => {
  const { dir, writer } = fileOfOneFamily(t);
  const record = encodeKeyedSeries({ family: 1, block: 0, slot: 0, createdAt: 0, endedAt: 0 }, encodeKey(['x']));
  assert.equal(record.at(-1), 0);
  record[record.length - 1] = 1;
  Buffer.from(record.buffer).writeUInt32LE(crc32(record, RECORD.kind), RECORD.crc);
  writer.append(record);
  assert.deepEqual(collect(dir).skipped, { corrupt: 1 });
});

test('two spellings of one key are not two series of the same labels', (t) => {
  const { dir, writer } = fileOfOneFamily(t);
  const place = { family: 1, block: 0, createdAt: 0, endedAt: 0 };
  writer.append(encodeKeyedSeries({ ...place, slot: 0 }, encodeKey(['x'])));
  assert.deepEqual(collect(dir).skipped, {});
  writer.append(encodeKeyedSeries({ ...place, slot: 1 }, Uint8Array.from([0x91, 0xd9, 0x01, 0x78])));
  assert.deepEqual(collect(dir).skipped, { corrupt: 1 });
});
