/** Series that come and go for long. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';
import { checkFile } from '../../src/metrics-file/check.js';
import { collectGarbage } from '../support/garbage.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter } from '../support/declarations.js';
import { addTo, attach, createFile, fileKinds } from '../support/written-file.js';

/** The kind of file makes no difference to its growth: the million is run once. */
const CYCLES = { mapped: 1_000_000, written: 200_000 };

/** Bytes that are in use. Without a collection first, the garbage of newer releases of Node is the larger part. */
function usedHeap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

for (const kind of fileKinds()) {
  const cycles = CYCLES[kind];
  test(`${kind}: ${cycles} series that come and go do not grow the file and the heap without limit, while a reader collects`, (t) => {
    const dir = withTempDir(t);
    const { store, writer, path } = createFile(dir, { kind });
    const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
    const stays = attach(store, jobs, ['stays']);
    const reading = new Reading(dir);
    let counted = 0;
    let heapAfterTenth = 0;
    let longestFile = 0;
    for (let cycle = 1; cycle <= cycles; cycle++) {
      const series = attach(store, jobs, [`goes ${cycle}`]);
      addTo(series, 3);
      store.detach(series);
      if (cycle % 10_000 !== 0) continue;
      addTo(stays, 1);
      counted++;
      writer.flush();
      assert.deepEqual(reading.values(), { 'jobs_total{kind="stays"}': counted });
      longestFile = Math.max(longestFile, statSync(path).size);
      if (cycle === cycles / 10) heapAfterTenth = usedHeap();
    }
    // 65,536 records of 72 bytes a log, three logs, and the slots of one second
    assert.ok(longestFile < 40 * 1024 * 1024, `${longestFile} bytes`);
    const grown = usedHeap() - heapAfterTenth;
    assert.ok(grown < 64 * 1024 * 1024, `${grown} bytes of heap`);
    assert.ok(checkFile(path).ok);
    assert.equal(store.status.bytesInMemory, 0);
    reading.close();
    writer.close();
  });
}
