/**
 * A SIGKILL at any step of the publish order. The mapping is the file: a copy that is made at a step is what a reader would
 * find of a process that was killed there, so that every step of a scenario is checked. The second half kills real
 * processes at the same steps.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type TestContext, mock, test } from 'node:test';
import { checkFile } from '../../src/metrics-file/check.js';
import type { LogDraft } from '../../src/metrics-file/backing.js';
import { FileWriter, type PublishStep } from '../../src/metrics-file/writer.js';
import type { Series } from '../../src/storage/series.js';
import { afterTest } from '../support/after-test.js';
import { forkProgram } from '../support/forked-program.js';
import { PUBLISH_STEPS } from '../support/publish-steps.js';
import { Reading, valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter } from '../support/declarations.js';
import { addTo, attach, createFile, type WrittenFile } from '../support/written-file.js';

type Values = Readonly<Record<string, number>>;

/** Runs `scenario`, and passes `look` the values that a reader finds of a process that was killed at each of its steps. */
function atEveryStep(
  t: TestContext,
  scenario: (file: WrittenFile) => void,
  look: (values: Values, step: PublishStep) => void,
): Set<PublishStep> {
  const dir = withTempDir(t);
  const killed = join(dir, 'killed');
  mkdirSync(killed);
  const file = createFile(dir);
  const copy = join(killed, basename(file.path));
  const seen = new Set<PublishStep>();
  FileWriter.onStep = (step) => {
    seen.add(step);
    copyFileSync(file.path, copy);
    const { ok, problems } = checkFile(copy);
    assert.ok(ok, `${step}: ${JSON.stringify(problems)}`);
    look(valuesIn(killed), step);
  };
  try {
    scenario(file);
  } finally {
    FileWriter.onStep = undefined;
  }
  file.writer.close();
  return seen;
}

const line = (kind: number | string): string => `jobs_total{kind="${kind}"}`;

test('killed while a file grows: every counted series exists, and at most one more, without a value', (t) => {
  let counted = 0;
  const seen = atEveryStep(
    t,
    ({ store }) => {
      const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
      for (; counted < 560; counted++) addTo(attach(store, jobs, [String(counted)]), 1 + counted);
    },
    (values, step) => {
      const expected = Object.fromEntries(Array.from({ length: counted }, (_, kind) => [line(kind), 1 + kind]));
      const alsoNext = { ...expected, [line(counted)]: 0 };
      if (step === 'record published' && Object.keys(values).length > counted) assert.deepEqual(values, alsoNext);
      else assert.deepEqual(values, expected);
    },
  );
  assert.deepEqual([...seen].toSorted(), PUBLISH_STEPS.slice(0, 5).toSorted());
});

test('killed while series are removed: each exists with its value or does not exist', (t) => {
  const all: Series[] = [];
  let removed = 0;
  let removing = false;
  atEveryStep(
    t,
    ({ store }) => {
      const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
      for (let kind = 0; kind < 50; kind++) {
        const series = attach(store, jobs, [String(kind)]);
        addTo(series, 5);
        all.push(series);
      }
      removing = true;
      for (; removed < 50; removed++) store.detach(all[removed]);
    },
    (values, step) => {
      if (!removing) return;
      const gone = step === 'record published' ? removed + 1 : removed;
      assert.deepEqual(
        values,
        Object.fromEntries(Array.from({ length: 50 - gone }, (_, at) => [line(at + gone), 5])),
        step,
      );
    },
  );
});

test('killed while a new log is written: remaining series exist, and at most the current one besides', (t) => {
  const dir = withTempDir(t);
  const killed = join(dir, 'killed');
  mkdirSync(killed);
  const file = createFile(dir);
  const copy = join(killed, basename(file.path));
  const { store } = file;
  const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
  // a new log starts at most once a second
  let nowMs = 0;
  const clock = mock.method(performance, 'now', () => nowMs++);
  afterTest(t, () => clock.mock.restore());
  const stay = Array.from({ length: 20 }, (_, kind) => attach(store, jobs, [`stay ${kind}`]));
  for (const series of stay) addTo(series, 7);
  store.setDefaultLabels('default', { app: 'x' });
  const seen = new Set<PublishStep>();
  let restarts = 0;
  let steps = 0;
  FileWriter.onStep = (step) => {
    seen.add(step);
    if (step === 'epoch published') restarts++;
    // each step of the new logs, and every hundredth of the others
    if (steps++ % 100 !== 0 && step !== 'log restarted' && step !== 'epoch published') return;
    copyFileSync(file.path, copy);
    const { ok, problems } = checkFile(copy);
    assert.ok(ok, `${step}: ${JSON.stringify(problems)}`);
    const values = Object.entries(valuesIn(killed));
    const staying = values.filter(([name]) => name.includes('stay'));
    assert.equal(staying.length, 20, step);
    assert.ok(staying.every(([, value]) => value === 7));
    assert.ok(values.every(([name]) => name.includes('app="x"')));
    assert.ok(values.length <= 21);
    for (const [name, value] of values) if (!name.includes('stay')) assert.ok(value === 0 || value === 1, name);
  };
  try {
    for (let cycle = 0; cycle < 5000; cycle++) {
      const series = attach(store, jobs, [`goes ${cycle}`]);
      addTo(series, 1);
      store.detach(series);
    }
  } finally {
    FileWriter.onStep = undefined;
  }
  assert.ok(restarts >= 3);
  assert.deepEqual([...seen].toSorted(), PUBLISH_STEPS.toSorted());
  file.writer.close();
});

test('a new log after one without room does not continue in leftovers of that one', (t) => {
  const dir = withTempDir(t);
  const { writer, path } = createFile(dir);
  const record = (byte: number): Uint8Array => {
    const bytes = new Uint8Array(4096);
    bytes.fill(byte);
    return bytes;
  };
  // a spare chain of several blocks
  for (let at = 0; at < 12; at++) assert.ok(writer.append(record(1)));
  const restart = (...contents: number[]): LogDraft => {
    const draft = writer.beginLog()!;
    for (const byte of contents) assert.ok(draft.append(record(byte)));
    return draft;
  };
  restart(2).publish();
  // takes two of the blocks, and is discarded
  restart(3, 3, 3).discard();
  restart(4).publish();
  const bytes = readFileSync(path);
  const epoch = bytes.readUInt32LE(20);
  const ofEpoch: number[] = [];
  for (let offset = 4096, block = 0; block < bytes.readUInt32LE(24); block++) {
    if (bytes.readUInt32LE(offset + 8) === epoch) ofEpoch.push(bytes.readUInt32LE(offset + 12));
    offset += 4096 * bytes.readUInt32LE(offset + 4);
  }
  assert.deepEqual(ofEpoch, [4096]);
  // its records are not valid, and the check of the directory would report them
  writer.remove();
});

for (const step of PUBLISH_STEPS) {
  test(`a process that is killed by SIGKILL at the step “${step}” loses none of its counts`, async (t) => {
    const dir = withTempDir(t);
    for (const occurrence of [1, 4]) {
      const fixture = forkProgram(t, 'crash/programs/counting', [dir, step, String(occurrence)]);
      assert.equal(await fixture.ended, 'SIGKILL', fixture.output);
    }
    const counted = readFileSync(join(dir, 'counted'), 'utf8').split('\n').length - 1;
    const reading = new Reading(dir);
    const total = reading.values()['operations_total'] ?? 0;
    assert.deepEqual(reading.stats.skipped, { ...reading.stats.skipped, corrupt: 0, other: 0 });
    reading.close();
    // one operation of each life may not have been recorded
    assert.ok(total >= counted && total <= counted + 2, `${total} of ${counted}`);
  });
}
