/** Files under client_python's names that are not what they should be: each costs itself only. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock, test, type TestContext } from 'node:test';
import { checkMetricsFile } from '../../src/collector/file-kinds.js';
import { PythonLiveness } from '../../src/python-file/python-liveness.js';
import { parsePythonFileName } from '../../src/python-file/file-name.js';
import { Random } from '../fuzz/random.js';
import { afterTest } from '../support/after-test.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';

interface Entry {
  readonly key: string;
  readonly value: number;
  readonly timestamp?: number;
}

/** As mmap_dict.py writes it: with timestamps since 0.18. */
function dbFile(entries: readonly Entry[], hasTimestamps: boolean, bytes = 4096): Buffer {
  const parts = entries.map(({ key, value, timestamp = 0 }) => {
    const text = Buffer.from(key);
    const padding = 8 - ((text.length + 4) % 8);
    const entry = Buffer.alloc(4 + text.length + padding + (hasTimestamps ? 16 : 8), ' ');
    entry.writeInt32LE(text.length, 0);
    text.copy(entry, 4);
    const at = 4 + text.length + padding;
    entry.writeDoubleLE(value, at);
    if (hasTimestamps) entry.writeDoubleLE(timestamp, at + 8);
    return entry;
  });
  const file = Buffer.alloc(bytes);
  const end = parts.reduce((at, part) => at + part.copy(file, at), 8);
  file.writeInt32LE(end, 0);
  return file;
}

function keyOf(metric: string, sample: string, labels: Readonly<Record<string, string>> = {}): string {
  return JSON.stringify([metric, sample, labels, 'Help']);
}

const JOBS = Array.from({ length: 20 }, (_, at): Entry => {
  return { key: keyOf('jobs', 'jobs_total', { kind: 'k'.repeat(at % 9), other: `${at}` }), value: at + 0.5 };
});

function quietly(t: TestContext): string {
  const warn = mock.method(console, 'warn', () => {});
  afterTest(t, () => warn.mock.restore());
  return withTempDir(t);
}

/** The values of jobs_total together, and what was skipped for which reason. */
function read(reading: Reading): { jobs: number; skipped: Record<string, number> } {
  const values = Object.entries(reading.values()).filter(([name]) => name.startsWith('jobs_total'));
  const skipped = Object.entries(reading.stats.skipped).filter(([, count]) => count > 0);
  return { jobs: values.reduce((sum, [, value]) => sum + value, 0), skipped: Object.fromEntries(skipped) };
}

const SUM = JOBS.reduce((sum, { value }) => sum + value, 0);

test('both layouts are told apart by their entries, whatever lengths keys have', (t) => {
  const dir = quietly(t);
  for (let count = 1; count <= JOBS.length; count++) {
    const entries = JOBS.slice(0, count);
    writeFileSync(join(dir, 'counter_1.db'), dbFile(entries, false));
    writeFileSync(join(dir, 'counter_2.db'), dbFile(entries, true));
    const reading = new Reading(dir);
    const expected = 2 * entries.reduce((sum, { value }) => sum + value, 0);
    assert.deepEqual(read(reading), { jobs: expected, skipped: {} });
    reading.close();
  }
});

test('a file that is not there yet, empty, cut off or of something else is skipped by reason; the others count', (t) => {
  const dir = quietly(t);
  const whole = dbFile(JOBS, true);
  const file = (name: string): string => join(dir, name);
  writeFileSync(file('counter_1.db'), whole);
  const reading = new Reading(dir);
  afterTest(t, () => reading.close());
  const assertSkipped = (name: string, reason: string | undefined, jobs = SUM): void => {
    assert.deepEqual(read(reading), { jobs, skipped: reason === undefined ? {} : { [reason]: 1 } }, name);
    if (reason !== undefined) assert.equal(checkMetricsFile(file(name)).ok, false);
    unlinkSync(file(name));
  };
  writeFileSync(file('counter_2.db'), '');
  assertSkipped('counter_2.db', 'not_a_metrics_file');
  writeFileSync(file('counter_3.db'), Buffer.alloc(4096));
  assertSkipped('counter_3.db', undefined);
  writeFileSync(file('counter_4.db'), 'SQLite format 3\0'.repeat(300));
  assertSkipped('counter_4.db', 'corrupt');
  symlinkSync(file('counter_1.db'), file('counter_5.db'));
  assertSkipped('counter_5.db', 'not_a_metrics_file');
  mkdirSync(file('sub'));
  writeFileSync(file('counter_6.db'), whole);
  truncateSync(file('counter_6.db'), 500);
  assertSkipped('counter_6.db', 'corrupt');
  // a key of something that cannot be shown
  writeFileSync(file('histogram_7.db'), dbFile([{ key: keyOf('jobs', 'jobs_total'), value: 1 }], true));
  assertSkipped('histogram_7.db', 'corrupt');
  writeFileSync(file('gauge_max_8.db'), dbFile([{ key: '{"a":1}', value: 1 }], true));
  assertSkipped('gauge_max_8.db', 'corrupt');
  for (const name of ['gauge_8.db', 'gauge_median_8.db', 'events.db', 'counter_.db', 'counter_1.db.bak']) {
    assert.equal(parsePythonFileName(name), undefined);
    writeFileSync(file(name), 'not ours');
    assertSkipped(name, undefined);
  }
  assert.ok(checkMetricsFile(file('counter_1.db')).ok);
});

test('2,000 damaged files: nothing is thrown, and no value of a whole file is harmed', (t) => {
  const dir = quietly(t);
  const random = new Random(7);
  writeFileSync(join(dir, 'counter_1.db'), dbFile(JOBS, true));
  const layouts = [true, false].map((hasTimestamps) => dbFile(JOBS, hasTimestamps));
  const reading = new Reading(dir);
  const damaged = join(dir, 'counter_2.db');
  let skipped = 0;
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(layouts[round % 2]);
    const used = bytes.readInt32LE(0);
    switch (round % 5) {
      case 0:
        bytes[random.below(used)] ^= 1 << random.below(8);
        break;
      case 1:
        bytes.writeInt32LE(random.below(2 ** 31) - 2 ** 30, 8 * random.below(used / 8));
        break;
      case 2:
        bytes.writeInt32LE(8 * random.below(used / 8), 0);
        break;
      case 3:
        bytes.copyWithin(8 * random.below(used / 8), 8 * random.below(used / 8), used);
        break;
      default:
        bytes.fill(random.below(256), random.below(used));
    }
    writeFileSync(damaged, round % 7 === 0 ? bytes.subarray(0, random.below(used)) : bytes);
    const values = reading.values();
    const isSkipped = Object.values(reading.stats.skipped).some((count) => count > 0);
    if (!isSkipped) continue;
    skipped++;
    const jobs = Object.entries(values).filter(([name]) => name.startsWith('jobs_total'));
    assert.equal(
      jobs.reduce((sum, [, value]) => sum + value, 0),
      SUM,
    );
  }
  assert.ok(skipped > 700, `${skipped} skipped`);
  unlinkSync(damaged);
  assert.deepEqual(read(reading), { jobs: SUM, skipped: {} });
  reading.close();
});

test('buckets that come later make one histogram, as do those of another process', (t) => {
  const dir = quietly(t);
  const bucket = (le: string, value: number): Entry => ({ key: keyOf('lat', 'lat_bucket', { le }), value });
  const file = join(dir, 'histogram_1.db');
  writeFileSync(file, dbFile([{ key: keyOf('lat', 'lat_sum'), value: 7 }, bucket('1.0', 1)], false));
  writeFileSync(join(dir, 'histogram_2.db'), dbFile([bucket('2.5', 4), bucket('+Inf', 8)], true));
  const reading = new Reading(dir);
  afterTest(t, () => reading.close());
  const shown = (): unknown => Object.values(reading.values());
  assert.deepEqual(shown(), [1, 5, 13, 7, 13]);
  const longer = dbFile([{ key: keyOf('lat', 'lat_sum'), value: 7 }, ...[bucket('1.0', 1), bucket('2.0', 16)]], false);
  writeFileSync(file, longer, { flag: 'r+' });
  assert.deepEqual(shown(), [1, 17, 21, 29, 7, 29]);
});

test('nobody is taken for dead before the pids of the files were seen to be pids here', (t) => {
  const dir = withTempDir(t);
  const path = join(dir, 'counter_1.db');
  writeFileSync(path, readFileSync('/proc/self/stat'));
  const liveness = new PythonLiveness();
  // pid 1 runs and has not opened this file: the file is of another pid namespace, or its process is gone
  liveness.survey(dir, [parsePythonFileName('counter_1.db')!, parsePythonFileName('counter_worker-3.db')!]);
  assert.equal(liveness.probe(0, '4194305'), 'unknown');
  assert.equal(liveness.probe(0, 'worker-3'), 'unknown');
});
