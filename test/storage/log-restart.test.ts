import assert from 'node:assert/strict';
import { readSync } from 'node:fs';
import { test } from 'node:test';
import { checkFile } from '../../src/metrics-file/check.js';
import { HEADER } from '../../src/metrics-file/layout.js';
import { openForReading } from '../../src/metrics-file/header.js';
import type { Series } from '../../src/storage/series.js';
import { Reading } from '../support/reading.js';
import { Random } from '../fuzz/random.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter } from '../support/declarations.js';
import { addTo, attach, createFile, fileKinds } from '../support/written-file.js';

const LIVE = 8000;
const CHURN = 400;
const ROUNDS = 120;

/** The number of the log that readers follow. */
function logOf(path: string): number {
  const fd = openForReading(path);
  const word = Buffer.alloc(4);
  readSync(fd, word, 0, 4, HEADER.keyEpoch);
  return word.readUInt32LE();
}

for (const kind of fileKinds()) {
  test(`${kind}: while a log of ${LIVE} series is restarted, series come and go, and readers see each as it is`, async (t) => {
    const dir = withTempDir(t);
    const { store, writer, path } = createFile(dir, { kind });
    const families = ['first_total', 'second_total'].map((name) => store.declare(counter(name, ['id']), ['default']));
    const truth = new Map<string, { series: Series; value: number }>();
    const random = new Random(7);
    let id = 0;
    const come = (): void => {
      const family = families[id % 2];
      const label = `s${id++}`;
      const series = attach(store, family, [label]);
      addTo(series, id);
      truth.set(`${family.declaration.name}{id="${label}"}`, { series, value: id });
    };
    const go = (): void => {
      const keys = [...truth.keys()];
      for (let at = 0; at < CHURN; at++) {
        const key = keys[random.below(keys.length)];
        const counted = truth.get(key);
        if (counted === undefined) continue;
        store.detach(counted.series);
        truth.delete(key);
      }
    };
    while (id < LIVE) come();
    writer.flush();
    const reading = new Reading(dir);
    const logs = new Set<number>();
    const begun = t.mock.method(writer, 'beginLog');
    let sliced = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const [logBefore, begunBefore] = [logOf(path), begun.mock.callCount()];
      go();
      for (let at = 0; at < CHURN; at++) come();
      writer.flush();
      // started in this round, and not finished in it
      if (begun.mock.callCount() > begunBefore && logOf(path) === logBefore) sliced++;
      logs.add(logOf(path));
      if (round % 20 === 0 || begun.mock.callCount() > begunBefore) {
        const expected = Object.fromEntries([...truth].map(([key, { value }]) => [key, value]));
        assert.deepEqual(reading.values(), expected, `round ${round}`);
      }
      await new Promise((turn) => setImmediate(turn));
    }
    assert.ok(logs.size > 2 && sliced > 1, `${logs.size} logs, ${sliced} of them in slices`);
    assert.ok(checkFile(path).ok);
    reading.close();
    writer.close();
  });
}
