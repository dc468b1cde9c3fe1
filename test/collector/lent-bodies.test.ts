/** Expositions that are sent from the memory in which they are rendered. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { DirectoryCollector } from '../../src/collector/directory-collector.js';
import type { LentBody } from '../../src/collector/lent-bodies.js';
import { MIN_SHARED_BYTES } from '../../src/exposition/shared-memory.js';
import { nativeRole } from '../../src/metrics-file/attachment.js';
import { writeExemplarCell } from '../../src/metrics-file/exemplar-cell.js';
import type { Series } from '../../src/storage/series.js';
import { afterTest } from '../support/after-test.js';
import { decodeProtobuf } from '../support/protobuf-decoder.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter } from '../support/declarations.js';
import { addTo, attach, createFile } from '../support/written-file.js';

const REQUEST = { format: 'text' };
const SETTINGS = { selection: { registries: 'all' }, selfMetrics: false } as const;
/** Enough for a body that is worth lending. */
const SERIES = 10_000;
const HISTOGRAMS = 4000;

function largeDirectory(t: TestContext, threads: boolean): { collector: DirectoryCollector; increment: () => void } {
  const dir = withTempDir(t);
  const { store } = createFile(dir);
  const family = store.declare(counter('requests_total', ['path']), ['default']);
  const series = Array.from({ length: SERIES }, (_, at): Series => attach(store, family, [`/api/items/${at}`]));
  const collector = new DirectoryCollector({ dir, threads });
  afterTest(t, () => collector.close());
  return { collector, increment: () => series.forEach((one) => addTo(one, 1)) };
}

/** The value that all lines have. */
function valueOf(body: Uint8Array): string | undefined {
  const values =
    Buffer.from(body)
      .toString()
      .match(/(?<=\} )\d+$/gm) ?? [];
  assert.equal(values.length, SERIES);
  assert.equal(new Set(values).size, 1);
  return values[0];
}

for (const threads of [true, false]) {
  const where = threads ? 'in a thread' : 'inline';

  test(`${where}: a body that is given back is overwritten by the next collection, and the next body is right`, async (t) => {
    const { collector, increment } = largeDirectory(t, threads);
    let last: Uint8Array | undefined;
    for (let count = 1; count <= 12; count++) {
      increment();
      const { body, giveBack } = await collector.lentBody(REQUEST, SETTINGS);
      assert.equal(valueOf(body), String(count));
      // from 9 to 10 each line becomes longer
      if (last?.length === body.length) assert.equal(valueOf(last), String(count));
      giveBack();
      last = body;
    }
  });

  test(`${where}: a body stays as it is while one of the callers of its collection has it`, async (t) => {
    const { collector, increment } = largeDirectory(t, threads);
    increment();
    const ask = () => collector.lentBody(REQUEST, SETTINGS);
    const [first, second] = await Promise.all([ask(), ask()]);
    assert.equal(first.body, second.body);
    first.giveBack();
    const bodies = [second];
    for (let count = 2; count <= 4; count++) {
      increment();
      bodies.push(await ask());
    }
    assert.deepEqual(
      bodies.map(({ body }) => valueOf(body)),
      ['1', '2', '3', '4'],
    );
    for (const { giveBack } of bodies) giveBack();
    increment();
    assert.equal(valueOf((await ask()).body), '5');
    // the memory of one of the first three was used again
    increment();
    await ask();
    assert.ok(bodies.slice(0, 3).some(({ body }) => valueOf(body) === '6'));
  });

  test(`${where}: a body with native histograms stays as it is while theirs change in later ones, and move`, async (t) => {
    const dir = withTempDir(t);
    const { store } = createFile(dir);
    const native = { schema: 3, zeroThreshold: 2 ** -128, maxBuckets: 160 };
    const took = { ...counter('took_seconds', ['path']), type: 'histogram', bounds: [], native } as const;
    const family = store.declare(took, ['default']);
    const chunks = Array.from({ length: HISTOGRAMS }, (_, at) =>
      store.attachTo(attach(store, family, [`/api/items/${at}`]), nativeRole(1, 0, 3)),
    );
    const collector = new DirectoryCollector({ dir, threads });
    afterTest(t, () => collector.close());
    const bodies: LentBody[] = [];
    // the second one has the same bucket, the third one another, and its differences are larger
    for (const [bin, count] of [
      [0, 1],
      [0, 1],
      [5, 1000],
    ]) {
      for (const { view, index } of chunks) view[index + bin] += count;
      bodies.push(await collector.lentBody({ format: 'protobuf' }, SETTINGS));
    }
    const shown = bodies.map(({ body }) => {
      const [{ native: histograms }] = decodeProtobuf(body);
      assert.equal(histograms.length, HISTOGRAMS);
      assert.ok(body.length >= MIN_SHARED_BYTES);
      return [...new Set(histograms.map(({ positive }) => JSON.stringify(positive)))];
    });
    assert.deepEqual(shown, [['[[1,1]]'], ['[[1,2]]'], ['[[1,2],[6,1000]]']]);
    for (const { giveBack } of bodies) giveBack();
  });

  test(`${where}: a body with exemplars stays as it is while later ones have others`, async (t) => {
    const dir = withTempDir(t);
    const { store } = createFile(dir);
    const family = store.declare(counter('requests_total', ['path']), ['default']);
    const series = Array.from({ length: SERIES }, (_, at) => attach(store, family, [`/api/items/${at}`]));
    const cells = series.map((one) => store.attachTo(one, { kind: 'exemplar', slotOffset: 0 }));
    const collector = new DirectoryCollector({ dir, threads });
    afterTest(t, () => collector.close());
    const bodies: LentBody[] = [];
    const traces = ['a', 'the second is longer', 'c'];
    for (const [at, trace] of traces.entries()) {
      for (const { view, index } of at === 2 ? cells.slice(0, 2) : cells) {
        writeExemplarCell(view, index, { labels: { trace }, value: 1, timestamp: 1 });
      }
      bodies.push(await collector.lentBody({ format: 'protobuf' }, SETTINGS));
    }
    const shown = bodies.map(({ body }) => {
      const [{ samples }] = decodeProtobuf(body);
      const found = samples.flatMap(({ exemplar }) => exemplar?.labels.trace ?? []);
      assert.equal(found.length, SERIES);
      return [...new Set(found)];
    });
    assert.deepEqual(shown, [['a'], ['the second is longer'], ['c', 'the second is longer']]);
    for (const { giveBack } of bodies) giveBack();
  });

  test(`${where}: a body that a caller keeps is its own`, async (t) => {
    const { collector, increment } = largeDirectory(t, threads);
    increment();
    const [lent, kept] = await Promise.all([collector.lentBody(REQUEST, SETTINGS), collector.body(REQUEST, SETTINGS)]);
    assert.ok(kept.buffer instanceof ArrayBuffer);
    lent.giveBack();
    increment();
    await collector.lentBody(REQUEST, SETTINGS);
    assert.equal(valueOf(kept), '1');
  });
}
