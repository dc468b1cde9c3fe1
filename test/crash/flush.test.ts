/**
 * A SIGKILL in a flush of a file that is written and not mapped, between any two writes and after any page of one. Three
 * readers read the result: one that has followed the file from the start, a new one, and the check of a file.
 *
 * Between the states F (flushed before) and N (now), these are the legal outcomes for a series; all others are forbidden:
 *
 *   | in F | in N    | found                                                  |
 *   |------|---------|--------------------------------------------------------|
 *   | v    | w       | v or w                                                 |
 *   | v    | removed | v, or none; never zero                                 |
 *   | none | w       | none, zero, or w                                       |
 *   | none | removed | none, or zero: added and removed between two flushes |
 *
 * and once a reader has found the later one of two, none finds the earlier one again. Every series has values of its own,
 * so that one under another's name is none of these.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock, type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { checkFile } from '../../src/metrics-file/check.js';
import { FileReader } from '../../src/metrics-file/reader.js';
import { encodeDefaultLabels } from '../../src/metrics-file/record.js';
import type { Series } from '../../src/storage/series.js';
import { REUSE_DELAY_MS } from '../../src/storage/value-blocks.js';
import { afterTest } from '../support/after-test.js';
import { forkProgram } from '../support/forked-program.js';
import { Reading, valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { watchWrites } from '../support/watched-writes.js';
import { counter } from '../support/declarations.js';
import { addTo, attach, createFile, type WrittenFile } from '../support/written-file.js';

type Values = Readonly<Record<string, number>>;

/** A process that counts in a written file, and the values that readers may find of it. */
class Life {
  readonly file: WrittenFile;
  readonly #jobs;
  readonly #living = new Map<string, Series>();
  readonly #dir: string;
  readonly #reading: Reading;
  #flushed: Values = {};
  /** Since the last flush. */
  readonly #passed = new Set<string>();
  #names = 0;
  nowMs = 10_000;
  writes = 0;

  constructor(t: TestContext) {
    const clock = mock.method(performance, 'now', () => (this.nowMs += 0.001));
    this.#dir = withTempDir(t);
    this.file = createFile(this.#dir, { kind: 'written' });
    this.#jobs = this.file.store.declare(counter('jobs_total', ['kind']), ['default']);
    this.#reading = new Reading(this.#dir);
    afterTest(t, () => {
      this.#reading.close();
      this.file.writer.close();
      clock.mock.restore();
    });
    this.flush();
  }

  get size(): number {
    return this.#living.size;
  }

  /** @param bytes minimum length of its label value: the log has records of every length */
  add(bytes = 0): void {
    const name = String(++this.#names);
    const series = attach(this.file.store, this.#jobs, [name.padEnd(bytes, '.')]);
    this.#living.set(name, series);
    // no two series ever have the same value
    addTo(series, this.#names * 1_000_000);
  }

  count(at: number): void {
    const series = [...this.#living.values()][at % this.#living.size];
    if (series !== undefined) addTo(series, 1);
  }

  remove(at: number): void {
    const name = [...this.#living.keys()][at % this.#living.size];
    if (name === undefined) return;
    this.file.store.detach(this.#living.get(name)!);
    this.#living.delete(name);
    this.#passed.add(name);
  }

  /** Flushes, and checks after every write whether the values that readers find are legal. */
  flush(everyNth = 1): void {
    const now = Object.fromEntries([...this.#living].map(([name, { view, index }]) => [name, view[index]]));
    const readers = [() => this.#reading.values(), () => valuesIn(this.#dir)];
    const lastFound: Values[] = readers.map(() => this.#flushed);
    const look = (): void => {
      const { ok, problems } = checkFile(this.file.path);
      assert.ok(ok, JSON.stringify(problems));
      readers.forEach((read, reader) => {
        const found = byName(read());
        this.#assertLegal(found, now, lastFound[reader]);
        lastFound[reader] = found;
      });
    };
    watchWrites(
      () => assert.ok(this.file.writer.flush()),
      () => {
        if (this.writes++ % everyNth === 0) look();
      },
    );
    for (const read of readers) assert.deepEqual(byName(read()), now);
    this.#flushed = now;
    this.#passed.clear();
  }

  #assertLegal(found: Values, now: Values, before: Values): void {
    for (const [name, value] of Object.entries(found)) {
      const legal = [this.#flushed[name] ?? 0, now[name] ?? this.#flushed[name] ?? 0];
      assert.ok(name in now || name in this.#flushed || this.#passed.has(name), `${name} is nobody's`);
      assert.ok(legal.includes(value), `${name} is ${value}, not ${legal.join(' or ')}`);
      if (name in before) assert.ok(value >= before[name], `${name} fell to ${value}`);
      else assert.ok(!(name in this.#flushed), `${name} was gone and is back`);
    }
    for (const name in this.#flushed) assert.ok(name in found || !(name in now), `${name} is lost`);
    for (const name in before) assert.ok(name in found || !(name in now), `${name} was there and is lost`);
  }
}

function byName(values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([line, value]) => [/kind="(\d+)/.exec(line)?.[1] ?? line, value]),
  );
}

test('killed in a flush of new, changed and removed series, at any page: each has its former or its present state', (t) => {
  const life = new Life(t);
  for (let at = 0; at < 600; at++) life.add();
  life.flush();
  for (let at = 0; at < 600; at += 7) life.count(at);
  for (let at = 0; at < 300; at++) life.remove(at * 2);
  for (let at = 0; at < 600; at++) life.add();
  life.flush();
  assert.ok(life.writes > 30);
  // the slots of removed series are free by now: other series get them
  life.nowMs += REUSE_DELAY_MS;
  for (let at = 0; at < 300; at++) {
    life.add();
    if (at % 2 === 0) life.remove(at * 3);
  }
  life.flush();
});

test('killed in a flush of a new log: remaining series always have their values', (t) => {
  const life = new Life(t);
  for (let at = 0; at < 20; at++) life.add();
  life.flush();
  const epoch = (): number => readFileSync(life.file.path).readUInt32LE(20);
  const epochs = new Set<number>();
  for (let round = 0; round < 9; round++) {
    for (let at = 0; at < 1000; at++) {
      life.add();
      life.remove(life.size - 1);
      life.nowMs += 2;
    }
    life.count(round);
    // most pages of records are like the one before
    life.flush(10);
    epochs.add(epoch());
  }
  assert.ok(epochs.size > 3, `${epochs.size} logs`);
});

test('killed in a flush of a log whose parts are not in the order of the file: no record is skipped', (t) => {
  const { writer, path } = createFile(withTempDir(t), { kind: 'written' });
  let written = 0;
  const record = (bytes: number): Uint8Array =>
    encodeDefaultLabels(String(++written), { filler: '.'.repeat(Math.max(0, bytes - 60)) });
  // key blocks of 8, 8, 16 and 32 KiB
  while (writer.bytes.length < 4096 + 64 * 1024) assert.ok(writer.append(record(1000)));
  writer.flush();
  for (let restart = 0; restart < 2; restart++) {
    const draft = writer.beginLog()!;
    assert.ok(draft.append(record(12_000)));
    draft.publish();
    writer.flush();
  }
  // the log is in the third block now, and continues in the first
  const first = written;
  const reader = new FileReader(path);
  const heard: number[] = [];
  const hear = (): void => {
    const visitor = {
      restart: () => heard.splice(0),
      series: () => assert.fail('there are none'),
      other: (_: number, body: () => unknown) => heard.push(Number((body() as { registry: string }).registry)),
    };
    while (!reader.readLog(visitor));
  };
  hear();
  assert.deepEqual(heard, [first]);
  for (let at = 0; at < 8; at++) assert.ok(writer.append(record(1000)));
  watchWrites(() => writer.flush(), hear);
  assert.deepEqual(
    heard,
    Array.from({ length: 9 }, (_, at) => first + at),
  );
  assert.equal(readFileSync(path).readUInt32LE(4096 + 16), 1, 'the first block is the second part');
  reader.close();
  writer.remove();
});

test('whatever happened since the last flush, the file is legal after every page of the next', (t) => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), of: fc.nat(100) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), of: fc.nat(100) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('count' as const), of: fc.nat(1000) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('flush' as const), of: fc.constant(0) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('rest' as const), of: fc.nat(1500) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 25 }), (history) => {
      const life = new Life(t);
      for (const { do: what, of } of history) {
        if (what === 'add') for (let at = 0; at < of; at++) life.add(at % 20 === 19 ? 5000 : 0);
        if (what === 'remove') for (let at = 0; at < of; at++) life.remove(at * 7 + of);
        if (what === 'count') life.count(of);
        if (what === 'flush') life.flush();
        if (what === 'rest') life.nowMs += of;
      }
      life.flush();
    }),
    { numRuns: 6 },
  );
});

test('a process that is killed by SIGKILL in a flush has lost at most the changes of that flush', async (t) => {
  for (const write of [1, 3, 8]) {
    const dir = withTempDir(t);
    const ledger = join(withTempDir(t), 'ledger');
    const fixture = forkProgram(t, 'crash/programs/flushing', [dir, ledger, String(write)]);
    assert.equal(await fixture.ended, 'SIGKILL');
    const [flushed, counted] = readFileSync(ledger, 'utf8').split(' ').map(Number);
    const values = Object.values(valuesIn(dir));
    const total = values.reduce((sum, value) => sum + value, 0);
    assert.ok(total >= flushed && total <= counted, `${total}, flushed ${flushed}, counted ${counted}`);
    assert.ok(values.every((value) => value <= 2));
  }
});
