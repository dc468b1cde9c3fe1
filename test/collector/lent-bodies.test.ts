/** Expositions whose memory goes back to the thread. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { DirectoryCollector } from '../../src/collector/directory-collector.js';
import { copyInto, LentBodies } from '../../src/collector/lent-bodies.js';
import type { Series } from '../../src/storage/series.js';
import { afterTest } from '../support/after-test.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter } from '../support/declarations.js';
import { addTo, attach, createFile } from '../support/written-file.js';

const REQUEST = { format: 'text' };
const SETTINGS = { selection: { registries: 'all' }, selfMetrics: false } as const;
/** Enough for a body that is worth lending. */
const SERIES = 10_000;

function largeDirectory(t: TestContext): { collector: DirectoryCollector; increment: () => void } {
  const dir = withTempDir(t);
  const { store } = createFile(dir);
  const family = store.declare(counter('requests_total', ['path']), ['default']);
  const series = Array.from({ length: SERIES }, (_, at): Series => attach(store, family, [`/api/items/${at}`]));
  const collector = new DirectoryCollector({ dir, threads: true });
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

test('a body that is given back moves to the thread with the next collection, and the next body is right', async (t) => {
  const { collector, increment } = largeDirectory(t);
  let last: Uint8Array | undefined;
  for (let count = 1; count <= 6; count++) {
    increment();
    const { body, giveBack } = await collector.lentBody(REQUEST, SETTINGS);
    if (last !== undefined) assert.equal(last.byteLength, 0);
    assert.equal(valueOf(body), String(count));
    giveBack();
    last = body;
  }
});

test('a body stays as long as one of the callers of its collection has it, and for good where one keeps it', async (t) => {
  const { collector, increment } = largeDirectory(t);
  increment();
  const ask = () => collector.lentBody(REQUEST, SETTINGS);
  const [first, second] = await Promise.all([ask(), ask()]);
  assert.equal(first.body, second.body);
  first.giveBack();
  increment();
  const [lent, kept] = await Promise.all([ask(), collector.body(REQUEST, SETTINGS)]);
  assert.equal(valueOf(second.body), '1');
  second.giveBack();
  lent.giveBack();
  assert.equal(lent.body, kept);
  await ask();
  assert.equal(second.body.byteLength, 0);
  assert.equal(valueOf(kept), '2');
});

test('memory that came back is for bodies of about its size', () => {
  const lent = new LentBodies();
  const large = new Uint8Array(1_000_000);
  lent.lend(large).giveBack();
  const spares = lent.take();
  assert.deepEqual(spares, [large.buffer]);
  assert.deepEqual(lent.take(), []);
  const tooLarge = copyInto(spares, new Uint8Array(1_000_001).fill(1));
  assert.ok(tooLarge.buffer.byteLength > 1_000_001 && tooLarge.every((byte) => byte === 1));
  assert.notEqual(copyInto(spares, new Uint8Array(400_000)).buffer, large.buffer);
  const fitting = copyInto(spares, new Uint8Array(900_000).fill(2));
  assert.equal(fitting.buffer, large.buffer);
  assert.ok(fitting.length === 900_000 && fitting.every((byte) => byte === 2));
  assert.deepEqual(spares, []);
});
