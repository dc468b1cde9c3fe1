/** Files under client_python's names that are not what they should be: each costs itself only. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock, test, type TestContext } from 'node:test';
import { checkMetricsFile } from '../../src/collector/file-kinds.js';
import { PythonLiveness } from '../../src/python-file/python-liveness.js';
import { parsePythonFileName } from '../../src/python-file/file-name.js';
import { afterTest } from '../support/after-test.js';
import { Reading } from '../support/reading.js';
import { pythonFile, pythonKey, type PythonEntry } from '../support/python-file.js';
import { withTempDir } from '../support/temp-dir.js';

const JOBS = Array.from({ length: 20 }, (_, at): PythonEntry => {
  return { key: pythonKey('jobs', 'jobs_total', { kind: 'k'.repeat(at % 9), other: `${at}` }), value: at + 0.5 };
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
    writeFileSync(join(dir, 'counter_1.db'), pythonFile(entries, false));
    writeFileSync(join(dir, 'counter_2.db'), pythonFile(entries, true));
    const reading = new Reading(dir);
    const expected = 2 * entries.reduce((sum, { value }) => sum + value, 0);
    assert.deepEqual(read(reading), { jobs: expected, skipped: {} });
    reading.close();
  }
});

test('files that are read in several parts count as a whole, also where one key is larger than a part', (t) => {
  const dir = quietly(t);
  const longs = [0, 1, 2, 3].map((at): PythonEntry => {
    return { key: pythonKey('jobs', 'jobs_total', { kind: `${at}`.repeat(300_000 + at), other: '' }), value: at };
  });
  const many = Array.from({ length: 6000 }, (_, at): PythonEntry => {
    return { key: pythonKey('jobs', 'jobs_total', { kind: 'k'.repeat(at % 23), other: `${at}` }), value: at + 0.5 };
  });
  const entries = [...many.slice(0, 5000), ...longs, ...many.slice(5000)];
  writeFileSync(join(dir, 'counter_1.db'), pythonFile(entries, false));
  writeFileSync(join(dir, 'counter_2.db'), pythonFile(entries.toReversed(), true));
  const sum = 2 * entries.reduce((all, { value }) => all + value, 0);
  const reading = new Reading(dir);
  afterTest(t, () => reading.close());
  assert.deepEqual(read(reading), { jobs: sum, skipped: {} });
  // values and further entries of a file whose layout is known
  const later = entries.map(({ key, value }): PythonEntry => ({ key, value: value + 1 }));
  const added = longs.map(({ key, value }): PythonEntry => ({ key: key.replace('""', '"new"'), value }));
  writeFileSync(join(dir, 'counter_1.db'), pythonFile([...later, ...added], false), { flag: 'r+' });
  assert.deepEqual(read(reading), { jobs: sum + later.length + 6, skipped: {} });
  // cut off in the middle of the last entry, by the word `used`
  const cut = pythonFile(entries, true);
  cut.writeInt32LE(cut.readInt32LE(0) - 8, 0);
  writeFileSync(join(dir, 'counter_3.db'), cut);
  assert.deepEqual(read(reading), { jobs: sum + later.length + 6, skipped: { corrupt: 1 } });
});

test('a key that cannot be read is named, in either layout', (t) => {
  const dir = quietly(t);
  for (const hasTimestamps of [false, true]) {
    const path = join(dir, 'counter_1.db');
    writeFileSync(path, pythonFile([...JOBS, { key: '["jobs"]', value: 1 }, ...JOBS], hasTimestamps));
    const [problem] = checkMetricsFile(path).problems;
    assert.match(problem.reason, /the sample of a key is wrong: \["jobs"\]/);
  }
});

test('a file that is not there yet, empty, cut off or of something else is skipped by reason; the others count', (t) => {
  const dir = quietly(t);
  const whole = pythonFile(JOBS, true);
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
  writeFileSync(file('histogram_7.db'), pythonFile([{ key: pythonKey('jobs', 'jobs_total'), value: 1 }], true));
  assertSkipped('histogram_7.db', 'corrupt');
  writeFileSync(file('gauge_max_8.db'), pythonFile([{ key: '{"a":1}', value: 1 }], true));
  assertSkipped('gauge_max_8.db', 'corrupt');
  for (const name of ['gauge_8.db', 'gauge_median_8.db', 'events.db', 'counter_.db', 'counter_1.db.bak']) {
    assert.equal(parsePythonFileName(name), undefined);
    writeFileSync(file(name), 'not ours');
    assertSkipped(name, undefined);
  }
  assert.ok(checkMetricsFile(file('counter_1.db')).ok);
});

test('buckets that come later make one histogram, as do those of another process', (t) => {
  const dir = quietly(t);
  const bucket = (le: string, value: number): PythonEntry => ({ key: pythonKey('lat', 'lat_bucket', { le }), value });
  const file = join(dir, 'histogram_1.db');
  writeFileSync(file, pythonFile([{ key: pythonKey('lat', 'lat_sum'), value: 7 }, bucket('1.0', 1)], false));
  writeFileSync(join(dir, 'histogram_2.db'), pythonFile([bucket('2.5', 4), bucket('+Inf', 8)], true));
  const reading = new Reading(dir);
  afterTest(t, () => reading.close());
  const shown = (): unknown => Object.values(reading.values());
  assert.deepEqual(shown(), [1, 5, 13, 7, 13]);
  const longer = pythonFile(
    [{ key: pythonKey('lat', 'lat_sum'), value: 7 }, ...[bucket('1.0', 1), bucket('2.0', 16)]],
    false,
  );
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
