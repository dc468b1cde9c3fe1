/** Files with NaN or an infinity among values that are added up, as damaged files or other writers may have. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { DeadProcess } from '../support/dead-process.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { histogram } from '../support/declarations.js';
import { attach, createFile } from '../support/written-file.js';

/** Two processes with equal counts; the file of the second has a value in some series that cannot be added. */
function poisonedDirectory(t: TestContext, poison: number): string {
  const dir = withTempDir(t);
  for (const isPoisoned of [false, true]) {
    const process = new DeadProcess(dir);
    for (const route of ['a', 'b']) {
      const isHit = isPoisoned && route === 'b';
      process.count('bytes_total', { route }, 5);
      if (isHit) process.count('bytes_total', { route }, poison);
      process.observe('wait_seconds', [1], 0.5, { route });
      if (isHit) process.observe('wait_seconds', [1], poison, { route });
    }
    process.summarize('size_bytes', 2);
    if (isPoisoned) process.summarize('broken_bytes', Infinity);
    process.count('hits_total', {}, 7);
    process.set('load', 'sum', {}, isPoisoned ? poison : 1, 1);
    process.die();
  }
  return dir;
}

function assertSpared(values: Record<string, number>): void {
  const { size_bytes_count, ...rest } = values;
  assert.equal(size_bytes_count, 2);
  const expected = {
    'bytes_total{route="a"}': 10,
    'bytes_total{route="b"}': 5,
    'wait_seconds_sum{route="a"}': 1,
    'wait_seconds_sum{route="b"}': 0.5,
    'wait_seconds_count{route="a"}': 2,
    'wait_seconds_count{route="b"}': 1,
    hits_total: 14,
  };
  for (const [name, value] of Object.entries(expected)) assert.equal(rest[name], value, name);
}

for (const poison of [NaN, Infinity, -Infinity]) {
  test(`a value of ${poison} removes only its process's part of the series, living, dead and folded`, (t) => {
    const warn = t.mock.method(console, 'warn', () => {});
    const dir = poisonedDirectory(t, poison);
    const reading = new Reading(dir);
    assertSpared(reading.values());
    assertSpared(reading.values());
    assert.equal(reading.stats.unusableSeries, 3);
    for (const name of ['bytes_total', 'wait_seconds', 'broken_bytes']) {
      const told = warn.mock.calls.map(({ arguments: [text] }) => String(text));
      const message = new RegExp(`a series of ${name} in .* is left out: one of its values is not a finite number`);
      assert.equal(told.filter((text) => message.test(text)).length, 1, name);
    }
    const { droppedSeries, notices, folded } = foldDirectory(dir);
    assert.deepEqual([folded, droppedSeries], [2, 3]);
    assert.ok(notices.includes('a series of bytes_total is not folded: a value of it is not a finite number'));
    assertSpared(reading.values());
    assert.equal(reading.stats.unusableSeries, 0);
    // a gauge may be any number
    assert.ok(!Number.isFinite(reading.values().load));
    reading.close();
  });
}

test('a sum beyond the largest number is shown as the largest, before and after a fold, and logged once', (t) => {
  const warn = t.mock.method(console, 'warn', () => {});
  const dir = withTempDir(t);
  const reading = new Reading(dir);
  for (let process = 0; process < 3; process++) {
    const dead = new DeadProcess(dir).count('huge_bytes_total', {}, Number.MAX_VALUE);
    dead.observe('huge_seconds', [1], -Number.MAX_VALUE).set('huge', 'sum', {}, Number.MAX_VALUE, 1).die();
  }
  const { store, writer } = createFile(dir);
  // the sum of its buckets is too large, and no value of it is
  const filled = attach(store, store.declare(histogram('filled', [1]), ['default']), []);
  filled.view.set([Number.MAX_VALUE, Number.MAX_VALUE], filled.index);
  writer.close();
  for (let look = 0; look < 4; look++) {
    const values = reading.values();
    assert.equal(values.huge_bytes_total, Number.MAX_VALUE);
    assert.equal(values.huge_seconds_sum, -Number.MAX_VALUE);
    assert.equal(values.huge_seconds_count, 3);
    assert.equal(values['filled_bucket{le="+Inf"}'], Number.MAX_VALUE);
    assert.equal(values.filled_count, Number.MAX_VALUE);
    if (look === 0) assert.equal(reading.stats.unusableSeries, 2);
    // a gauge may be any number
    assert.equal(values.huge, Infinity);
    if (look > 0) foldDirectory(dir);
    if (look > 1) new DeadProcess(dir).count('huge_bytes_total', {}, 1e300).die();
  }
  for (const name of ['huge_bytes_total', 'huge_seconds']) {
    const told = warn.mock.calls.filter(({ arguments: [text] }) => String(text).includes(`a sum of ${name} over`));
    assert.equal(told.length, 1, name);
  }
  reading.close();
});
