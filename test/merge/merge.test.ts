/** The merged output of files, as a whole: it equals that of one process that did all the work. */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, mock, test } from 'node:test';
import fc from 'fast-check';
import { renderText } from '../../src/exposition/render.js';
import { TEXT_DIALECTS } from '../../src/exposition/text-dialect.js';
import type { FamilyDeclaration } from '../../src/model/family-declaration.js';
import type { Series, SeriesFamily } from '../../src/storage/series.js';
import { assertHistogramsAreSound, assertNoDuplicateSeries } from '../support/exposition-parser.js';
import { Reading, valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter, gauge, histogram } from '../support/declarations.js';
import { addTo, attach, createFile, setGauge, type WrittenFile } from '../support/written-file.js';

const DEFAULT = ['default'];
const BOUNDS = [1, 5, 10];
const JOBS = counter('jobs_total', ['kind']);
const TIMES = histogram('time_seconds', BOUNDS, ['kind']);
const DEPTH = gauge('depth', 'max', ['kind']);

/** A process that counts like instruments do: the first write creates a series. */
class Process {
  readonly file: WrittenFile;
  readonly #families = new Map<FamilyDeclaration, SeriesFamily>();

  constructor(dir: string, number: number, declarations: readonly FamilyDeclaration[] = [JOBS, TIMES, DEPTH]) {
    const identity = { pid: 100 + number, startedAt: number, createdAt: number };
    this.file = createFile(dir, { kind: 'written', identity });
    for (const declaration of declarations) {
      this.#families.set(declaration, this.file.store.declare(declaration, DEFAULT));
    }
  }

  do({ what, kind, amount }: Operation): void {
    if (what === 'count') addTo(this.series(JOBS, kind), amount);
    else if (what === 'set') setGauge(this.series(DEPTH, kind), amount);
    else {
      const bucket = BOUNDS.findIndex((bound) => amount <= bound);
      const series = this.series(TIMES, kind);
      addTo(series, 1, bucket < 0 ? BOUNDS.length : bucket);
      addTo(series, amount, BOUNDS.length + 1);
    }
  }

  remove(kind: string): void {
    for (const family of this.#families.values()) {
      const series = family.series.findValues([kind]);
      if (series !== undefined) this.file.store.detach(series);
    }
  }

  series(declaration: FamilyDeclaration, kind: string): Series {
    const family = this.#families.get(declaration)!;
    return family.series.findValues([kind]) ?? attach(this.file.store, family, [kind]);
  }
}

interface Operation {
  readonly process: number;
  readonly what: 'count' | 'observe' | 'set';
  readonly kind: string;
  readonly amount: number;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  process: fc.nat(3),
  what: fc.constantFrom('count', 'observe', 'set'),
  kind: fc.constantFrom('a', 'b', 'é"\\\n', ''),
  // whole numbers: their sums do not depend on the order
  amount: fc.nat(20),
});

/** Runs `body` in a separate directory below that of the test. */
function inDirectory<T>(parent: string, body: (dir: string) => T): T {
  const dir = join(parent, 'run');
  mkdirSync(dir);
  try {
    return body(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

/** The merged values of processes that did their operations; `ages` is the order in which they started. */
function merged(parent: string, operations: readonly Operation[], ages: readonly number[]): Record<string, number> {
  return inDirectory(parent, (dir) => {
    const processes = ages.map((age) => new Process(dir, age));
    for (const each of operations) processes[each.process % ages.length].do(each);
    for (const { file } of processes) file.writer.close();
    return valuesIn(dir);
  });
}

test('several merged processes equal one process that did all their work', (t) => {
  const parent = withTempDir(t);
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const counts = operations.filter(({ what }) => what !== 'set');
      assert.deepEqual(merged(parent, counts, [1, 2, 3, 4]), merged(parent, counts, [1]));
    }),
    { numRuns: 40 },
  );
});

test('the merge does not depend on the order of files', (t) => {
  const parent = withTempDir(t);
  const ages = fc.shuffledSubarray([1, 2, 3, 4], { minLength: 4 });
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), ages, (operations, order) => {
      assert.deepEqual(merged(parent, operations, order), merged(parent, operations, [1, 2, 3, 4]));
    }),
    { numRuns: 40 },
  );
});

test('read again and again while series come and go, the text is that of the families, and of a reader that is new', (t) => {
  const parent = withTempDir(t);
  const step = fc.oneof(
    { weight: 5, arbitrary: operation.map((each) => ({ ...each, removes: false })) },
    { weight: 1, arbitrary: operation.map((each) => ({ ...each, removes: true })) },
  );
  fc.assert(
    fc.property(fc.array(fc.array(step, { maxLength: 10 }), { maxLength: 6 }), (rounds) => {
      inDirectory(parent, (dir) => {
        const processes = [1, 2, 3, 4].map((age) => new Process(dir, age));
        const reading = new Reading(dir, { created: true });
        for (const steps of rounds) {
          for (const each of steps) {
            if (each.removes) processes[each.process].remove(each.kind);
            else processes[each.process].do(each);
          }
          for (const { file } of processes) file.writer.flush();
          const anew = new Reading(dir, { created: true });
          for (const dialect of TEXT_DIALECTS.values()) {
            const text = reading.text(dialect.name);
            assert.equal(text, renderText(reading.families(), dialect));
            assert.equal(text, anew.text(dialect.name));
            assertNoDuplicateSeries(text);
            assertHistogramsAreSound(text);
          }
          anew.close();
        }
        reading.close();
        for (const { file } of processes) file.writer.close();
      });
    }),
    { numRuns: 25 },
  );
});

/** Files of two processes, the older first. */
function twoFiles(t: TestContext): { dir: string; files: WrittenFile[] } {
  const dir = withTempDir(t);
  const files = [1, 2].map((number) =>
    createFile(dir, { identity: { pid: number, startedAt: number, createdAt: number } }),
  );
  return { dir, files };
}

test('different bounds in two processes merge over the union of bounds, and stay monotonic', (t) => {
  const bounds = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });
  const parent = withTempDir(t);
  fc.assert(
    fc.property(bounds, bounds, fc.array(fc.nat(12), { maxLength: 20 }), (one, other, observed) => {
      inDirectory(parent, (dir) => {
        const all = [one, other].map((some) => some.toSorted((a, b) => a - b));
        all.forEach((some, number) => {
          const { store, writer } = createFile(dir, { kind: 'written', identity: { pid: number + 1 } });
          const series = attach(store, store.declare(histogram('time_seconds', some), DEFAULT), []);
          for (const value of observed) {
            const bucket = some.findIndex((bound) => value <= bound);
            addTo(series, 1, bucket < 0 ? some.length : bucket);
            addTo(series, value, some.length + 1);
          }
          writer.close();
        });
        const reading = new Reading(dir);
        const text = reading.text();
        assertHistogramsAreSound(text);
        const values = reading.values();
        const union = new Set([...one, ...other]).size;
        assert.equal(Object.keys(values).length, union + 3);
        assert.equal(values.time_seconds_count, 2 * observed.length);
        assert.equal(reading.stats.conflicts.buckets ?? 0, String(all[0]) === String(all[1]) ? 0 : 1);
        reading.close();
      });
    }),
    { numRuns: 40 },
  );
});

/** Properties in which the newer process's declaration differs from the older one's, and the declaration that is shown. */
const CONFLICTS: Record<string, { older: FamilyDeclaration; newer: FamilyDeclaration; reason: string; text: string }> =
  {
    help: {
      older: { ...counter('jobs_total'), help: 'Old' },
      newer: { ...counter('jobs_total'), help: 'New' },
      reason: 'help',
      text: '# HELP jobs_total New\n# TYPE jobs_total counter\njobs_total 2\n',
    },
    type: {
      older: counter('jobs_total'),
      newer: { ...gauge('jobs_total', 'sum'), help: 'New' },
      reason: 'type',
      text: '# HELP jobs_total New\n# TYPE jobs_total gauge\njobs_total 1\n',
    },
    'gauge mode': {
      older: gauge('depth', 'sum'),
      newer: gauge('depth', 'max'),
      reason: 'gauge_mode',
      text: '# HELP depth Help of depth\n# TYPE depth gauge\ndepth 1\n',
    },
  };

for (const [name, { older, newer, reason, text }] of Object.entries(CONFLICTS)) {
  test(`where two processes declare a different ${name}, the newest declaration is shown, and the conflict is counted`, (t) => {
    const { dir, files } = twoFiles(t);
    [older, newer].forEach((declaration, at) => {
      const clock = mock.method(Date, 'now', () => (at + 1) * 1000);
      const { store } = files[at];
      attach(store, store.declare(declaration, DEFAULT), []).view.fill(1);
      clock.mock.restore();
    });
    const reading = new Reading(dir);
    assert.equal(reading.text(), text);
    assert.equal(reading.stats.conflicts[reason], 1);
    // the newer one is removed, and the declaration of the older one is shown again
    files[1].writer.remove();
    assert.match(
      reading.text(),
      new RegExp(`# HELP ${older.name} ${older.help}\n# TYPE ${older.name} ${older.type}\n`),
    );
    assert.deepEqual(reading.stats.conflicts, {});
    reading.close();
    for (const { writer } of files) writer.close();
  });
}

test('changed default labels and registries apply to all earlier counts too', (t) => {
  const { dir, files } = twoFiles(t);
  const families = files.map(({ store }) => store.declare(counter('jobs_total', ['kind']), DEFAULT));
  files.forEach(({ store }, at) => addTo(attach(store, families[at], ['a']), 1));
  const reading = new Reading(dir, {}, Infinity, DEFAULT);
  assert.deepEqual(reading.values(), { 'jobs_total{kind="a"}': 2 });
  files[0].store.setDefaultLabels('default', { zone: 'x' });
  assert.deepEqual(reading.values(), { 'jobs_total{kind="a",zone="x"}': 1, 'jobs_total{kind="a"}': 1 });
  files[1].store.setDefaultLabels('default', { zone: 'x' });
  assert.deepEqual(reading.values(), { 'jobs_total{kind="a",zone="x"}': 2 });
  files[0].store.setRegistries(families[0], ['other']);
  assert.deepEqual(reading.values(), { 'jobs_total{kind="a",zone="x"}': 1 });
  files[0].store.setRegistries(families[0], ['other', 'default']);
  assert.deepEqual(reading.values(), { 'jobs_total{kind="a",zone="x"}': 2 });
  reading.close();
});

test('a series is as old as its oldest present part, for a new reader and for one that saw older parts removed', (t) => {
  const { dir, files } = twoFiles(t);
  const clock = t.mock.method(Date, 'now', () => 1000);
  const families = files.map(({ store }) => store.declare(counter('jobs_total', ['kind']), DEFAULT));
  const count = (at: number, seconds: number): Series => {
    clock.mock.mockImplementation(() => seconds * 1000);
    return attach(files[at].store, families[at], ['a']);
  };
  const createdIn = (reading: Reading): number | undefined => reading.values()['jobs_created{kind="a"}'];
  const reading = new Reading(dir, { created: true });
  count(0, 500);
  const removed = count(1, 100);
  assert.equal(createdIn(reading), 100);
  files[1].store.detach(removed);
  assert.equal(createdIn(reading), 500);
  const anew = new Reading(dir, { created: true });
  assert.equal(createdIn(anew), 500);
  count(1, 600);
  for (const each of [reading, anew]) assert.equal(createdIn(each), 500);
  files[0].writer.remove();
  for (const each of [reading, anew]) {
    assert.equal(createdIn(each), 600);
    each.close();
  }
});

test('when two registries of a process have a series and the older part is removed, the other part tells its age', (t) => {
  const { dir, files } = twoFiles(t);
  const [{ store }] = files;
  const clock = t.mock.method(Date, 'now', () => 1000);
  const parts = [100, 200].map((seconds, at) => {
    const family = store.declare(counter('jobs_total'), [`registry ${at}`]);
    clock.mock.mockImplementation(() => seconds * 1000);
    return attach(store, family, []);
  });
  const reading = new Reading(dir, { created: true });
  assert.equal(reading.values().jobs_created, 100);
  store.detach(parts[0]);
  assert.equal(reading.values().jobs_created, 200);
  reading.close();
});

test('the counts of a removed file are removed, and those of a new file are added', (t) => {
  const { dir, files } = twoFiles(t);
  for (const { store } of files) addTo(attach(store, store.declare(counter('jobs_total'), DEFAULT), []), 1);
  const reading = new Reading(dir);
  assert.deepEqual(reading.values(), { jobs_total: 2 });
  files[0].writer.remove();
  assert.deepEqual(reading.values(), { jobs_total: 1 });
  const { store } = createFile(dir, { identity: { pid: 3 } });
  addTo(attach(store, store.declare(counter('jobs_total'), DEFAULT), []), 5);
  assert.deepEqual(reading.values(), { jobs_total: 6 });
  reading.close();
});

test('the newest declaration that a file still has decides, also after a newer one was removed', (t) => {
  const dir = withTempDir(t);
  // each release declares when it is a second older than the next
  const [rare, recent, newest] = ['old', 'new', 'old'].map((help, at) => {
    const clock = t.mock.method(Date, 'now', () => 1_700_000_000_000 + at * 1000);
    const declaration = { ...JOBS, help };
    const process = new Process(dir, at + 1, [declaration]);
    process.series(declaration, 'a');
    process.file.writer.flush();
    clock.mock.restore();
    return process;
  });
  const reading = new Reading(dir);
  const help = (): string => reading.families()[0].help;
  assert.equal(help(), 'old');
  newest.file.writer.close();
  rmSync(newest.file.path);
  assert.equal(help(), 'new');
  rmSync(recent.file.path);
  assert.equal(help(), 'old');
  reading.close();
  for (const { file } of [rare, recent]) file.writer.close();
});

test('a new log between two readings does not change remaining series', (t) => {
  const { dir, files } = twoFiles(t);
  const [{ store }] = files;
  const jobs = store.declare(counter('jobs_total', ['kind']), DEFAULT);
  const stays = attach(store, jobs, ['stays']);
  const reading = new Reading(dir);
  for (let round = 1; round <= 3; round++) {
    addTo(stays, 1);
    for (let at = 0; at < 40_000; at++) {
      const series = attach(store, jobs, [`${round} ${at}`]);
      addTo(series, 9);
      store.detach(series);
    }
    assert.deepEqual(reading.values(), { 'jobs_total{kind="stays"}': round });
  }
  reading.close();
});

test('gauges of a dead process disappear after their retention, and its counters stay', (t) => {
  const { dir, files } = twoFiles(t);
  for (const [at, { store }] of files.entries()) {
    setGauge(attach(store, store.declare(gauge('depth', 'all'), DEFAULT), []), at + 1);
    addTo(attach(store, store.declare(counter('jobs_total'), DEFAULT), []), 1);
  }
  const kept = new Reading(dir, {}, 60);
  files[0].writer.close();
  assert.deepEqual(kept.values(), { 'depth{pid="1"}': 1, 'depth{pid="2"}': 2, jobs_total: 2 });
  const gone = new Reading(dir, {}, -1);
  assert.deepEqual(gone.values(), { 'depth{pid="2"}': 2, jobs_total: 2 });
  for (const reading of [kept, gone]) reading.close();
});

test('of two processes with one pid the living one is shown, otherwise the newer, and no series is shown twice', (t) => {
  const dir = withTempDir(t);
  const files = [1, 2, 3].map((startedAt) =>
    createFile(dir, { identity: { pid: 1, startedAt, createdAt: startedAt } }),
  );
  for (const [at, { store }] of files.entries()) {
    setGauge(attach(store, store.declare(gauge('depth', 'all'), DEFAULT), []), at + 1);
  }
  const reading = new Reading(dir);
  assert.deepEqual(reading.values(), { 'depth{pid="1"}': 3 });
  assert.equal(reading.stats.pidConflicts, 2);
  files[2].writer.close();
  assert.deepEqual(reading.values(), { 'depth{pid="1"}': 2 });
  assertNoDuplicateSeries(reading.text());
  reading.close();
});

test('for Prometheus an empty label is no label: series that differ in nothing else are one series', (t) => {
  const { dir, files } = twoFiles(t);
  const [old, recent] = [counter('jobs_total', ['kind']), counter('jobs_total', ['kind', 'tenant', 'zone'])];
  const count = (at: number, declaration: FamilyDeclaration, values: readonly (string | undefined)[]): void => {
    const { store } = files[at];
    addTo(attach(store, store.declare(declaration, DEFAULT), values), 1);
  };
  count(0, old, ['mail']);
  count(0, old, [undefined]);
  const reading = new Reading(dir);
  assert.deepEqual(reading.values(), { 'jobs_total{kind="mail"}': 1, jobs_total: 1 });
  count(1, recent, ['mail', '', '']);
  count(1, recent, ['mail', undefined, '']);
  count(1, recent, ['mail', '', 'west']);
  count(1, recent, ['', '', undefined]);
  const expected = {
    'jobs_total{kind="mail"}': 3,
    'jobs_total{kind="mail",tenant="",zone="west"}': 1,
    jobs_total: 2,
  };
  const anew = new Reading(dir);
  for (const each of [reading, anew]) {
    assert.deepEqual(each.values(), expected);
    assertNoDuplicateSeries(each.text());
    each.close();
  }
});

test('a quantile that is declared twice is shown once', (t) => {
  const dir = withTempDir(t);
  const { store } = createFile(dir);
  const quantiles = [0.5, 0.9, 0.5];
  const sizes = store.declare({ name: 'size', help: 'Size', type: 'summary', labelNames: [], quantiles }, DEFAULT);
  attach(store, sizes, []);
  const reading = new Reading(dir);
  assertNoDuplicateSeries(reading.text());
  reading.close();
});
