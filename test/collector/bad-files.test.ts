import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { DirectoryCollection } from '../../src/collector/collection.js';
import { processesOf } from '../../src/collector/report.js';
import { archiveName } from '../../src/directory/file-name.js';
import { foldDirectory } from '../../src/archive/fold.js';
import { BLOCK, HEADER, type LivenessMethod } from '../../src/metrics-file/layout.js';
import { DeadProcess } from '../support/dead-process.js';
import { overwrite } from '../support/overwrite.js';
import { withTempDir } from '../support/temp-dir.js';
import { histogram } from '../support/declarations.js';
import { addTo, attach, createFile } from '../support/written-file.js';

const DEFAULT = ['default'];

function collectionOf(t: TestContext, dir: string): DirectoryCollection {
  const collection = new DirectoryCollection({ dir, deadRetentionSeconds: 60, maxOpenFiles: 10 });
  t.after(() => collection.close());
  return collection;
}

function collect(collection: DirectoryCollection): void {
  for (const _ of collection.collect());
}

/** A file that declares a histogram with these bounds, and has one series of it. */
function writeFile(
  dir: string,
  startedAt: number,
  bounds: readonly number[],
  liveness: LivenessMethod = 'flock',
): string {
  const identity = { startedAt, createdAt: startedAt, liveness };
  const { path, store, writer } = createFile(dir, { kind: 'written', identity });
  addTo(attach(store, store.declare(histogram('time_seconds', bounds, ['kind']), DEFAULT), ['a']), 1);
  writer.close();
  return path;
}

/** Damages the last record of a file, so that the records before it are merged and then have to be removed. */
function spoil(path: string): () => void {
  const whole = readFileSync(path);
  const used = whole.readUInt32LE(HEADER.bytes + BLOCK.used);
  const bytes = Buffer.from(whole);
  bytes[HEADER.bytes + BLOCK.data + used - 9] ^= 0xff;
  overwrite(path, 0, bytes);
  return () => overwrite(path, 0, whole);
}

test('a bad file with a conflicting declaration costs one index, not one at every scrape', (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  writeFile(dir, 1, [1, 2]);
  spoil(writeFile(dir, 2, [1, 3]));
  const collection = collectionOf(t, dir);
  collect(collection);
  assert.equal(collection.skipped.corrupt, 1);
  const { structure } = collection.index;
  for (let again = 0; again < 3; again++) {
    collect(collection);
    assert.equal(collection.skipped.corrupt, 1);
    assert.deepEqual(
      collection.skippedFiles.map(({ reason }) => reason),
      ['corrupt'],
    );
  }
  assert.equal(collection.index.structure, structure);
});

test('a bad file is read again when it has changed, and once a minute', (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  writeFile(dir, 1, [1, 2]);
  const longer = writeFile(dir, 2, [1, 2]);
  const written = writeFile(dir, 3, [1, 2], 'heartbeat');
  const mapped = writeFile(dir, 4, [1, 2]);
  const [mendLonger, mendWritten, mendMapped] = [longer, written, mapped].map(spoil);
  const collection = collectionOf(t, dir);
  const read = (): number => {
    collect(collection);
    assert.equal(collection.skipped.corrupt, 4 - processesOf(collection.files).length);
    return processesOf(collection.files).length;
  };
  assert.equal(read(), 1);
  writeFileSync(longer, Buffer.concat([readFileSync(longer), Buffer.alloc(4096)]));
  mendLonger();
  assert.equal(read(), 2);
  mendWritten();
  // clocks of file systems have ticks of about 4 ms
  utimesSync(written, 1, 1);
  assert.equal(read(), 3);
  mendMapped();
  assert.equal(read(), 3, 'nothing tells what was stored through a mapping');
  const later = performance.now() + 61_000;
  t.mock.method(performance, 'now', () => later);
  assert.equal(read(), 4);
});

test('an archive under the name of another costs one index as well', (t) => {
  const dir = withTempDir(t);
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  foldDirectory(dir);
  copyFileSync(join(dir, archiveName(1)), join(dir, archiveName(2)));
  const collection = collectionOf(t, dir);
  collect(collection);
  const { structure } = collection.index;
  collect(collection);
  assert.deepEqual(
    collection.skippedFiles.map(({ name }) => name),
    [archiveName(2)],
  );
  assert.equal(collection.index.seriesCount, 1);
  assert.equal(collection.index.structure, structure);
});
