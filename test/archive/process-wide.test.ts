/** Process-wide metrics, which count once for any number of threads: read, folded in any order, and read again. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldDirectory } from '../../src/archive/fold.js';
import { currentMachine } from '../../src/directory/identity.js';
import { FileReader } from '../../src/metrics-file/reader.js';
import { FoldSource } from '../../src/archive/fold-source.js';
import { DeadProcess } from '../support/dead-process.js';
import { withTempDir } from '../support/temp-dir.js';
import { Reading } from '../support/reading.js';
import { counter, gauge } from '../support/declarations.js';
import { addTo, attach, createFile, setGauge, fileKinds, type WrittenFile } from '../support/written-file.js';

const CPU = { ...counter('cpu_total', ['mode']), processWide: true };
const MEMORY = { ...gauge('memory', 'sum'), processWide: true };
const PLAIN = counter('plain_total');
const PEAK = { ...gauge('peak', 'all'), processWide: true };

interface Thread {
  readonly process: number;
  readonly cpu: number;
  readonly memory: number;
  readonly setAt: number;
}

/** A file of a thread of the process with that number: process 0 lives, and the others have ended or cannot be found. */
function write(dir: string, thread: number, { process: number, cpu, memory, setAt }: Thread): WrittenFile {
  const identity = {
    ...currentMachine(),
    pid: number === 0 ? process.pid : 6_000_000 + number,
    startTime: number === 0 ? startTimeOfThis() : '1',
    threadId: thread,
    createdAt: 2 + thread,
  };
  const file = createFile(dir, { kind: fileKinds()[0], identity });
  const { store } = file;
  addTo(attach(store, store.declare(CPU, ['default']), ['user']), cpu);
  setGauge(attach(store, store.declare(MEMORY, ['default']), []), memory, setAt);
  setGauge(attach(store, store.declare(PEAK, ['default']), []), memory, setAt);
  addTo(attach(store, store.declare(PLAIN, ['default']), []), 1);
  return file;
}

function startTimeOfThis(): string {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/** Families of the archive that still belong to one process. */
function processesIn(dir: string): number {
  const name = readdirSync(dir).find((file) => file.endsWith('-archive'));
  const reader = new FileReader(join(dir, name!));
  try {
    const families = [...new FoldSource(reader).families.values()];
    return families.filter(({ name: family, ofProcess }) => family === 'cpu_total' && ofProcess !== undefined).length;
  } finally {
    reader.close();
  }
}

function newestOf(threads: readonly Thread[]): number {
  return threads.reduce((newest, thread) => (thread.setAt >= newest.setAt ? thread : newest)).memory;
}

function expected(threads: readonly Thread[]): { cpu: number; memory: number } {
  const processes = group(threads);
  let [cpu, memory] = [0, 0];
  for (const ofProcess of processes.values()) {
    cpu += Math.max(...ofProcess.map((thread) => thread.cpu));
    memory += newestOf(ofProcess);
  }
  return { cpu, memory };
}

function group(threads: readonly Thread[]): Map<number, Thread[]> {
  const groups = new Map<number, Thread[]>();
  for (const thread of threads) groups.set(thread.process, [...(groups.get(thread.process) ?? []), thread]);
  return groups;
}

test('process-wide counters have their highest value and gauges their newest, in whatever order files are added, end and are folded', (t) => {
  const threads = fc.record({
    process: fc.nat(2),
    cpu: fc.nat(100),
    memory: fc.nat(100),
    endsAfter: fc.nat(3),
    foldsThen: fc.boolean(),
  });
  const property = fc.property(fc.array(threads, { minLength: 1, maxLength: 8 }), (lives) => {
    const dir = withTempDir(t);
    const written: (Thread & { readonly file: WrittenFile; readonly endsAt: number })[] = [];
    const over = new Set<number>();
    const reading = new Reading(dir);
    const look = (): void => {
      const values = reading.values();
      const { cpu, memory } = expected(written);
      assert.deepEqual(
        [values['cpu_total{mode="user"}'], values.memory, values.plain_total],
        [cpu, memory, written.length],
        JSON.stringify(values),
      );
      const peaks = Object.keys(values).filter((name) => name.startsWith('peak'));
      assert.deepEqual(
        peaks.toSorted(),
        [...new Set(written.map((thread) => `peak{pid="${pidOf(thread.process)}"}`))].toSorted(),
      );
    };
    lives.forEach((life, at) => {
      // each later set-at differs, and those of one process's clock rise
      const number = over.has(life.process) ? 10 + at : life.process;
      const thread = { ...life, process: number, setAt: Date.now() / 1000 - 1000 + at };
      written.push({ ...thread, file: write(dir, at, thread), endsAt: at + life.endsAfter });
      look();
      for (const { file, endsAt } of written) if (endsAt === at) file.writer.close();
      if (life.foldsThen) {
        foldDirectory(dir);
        // a process that has ended starts no more threads
        for (const { process: of } of written) if (of !== 0) over.add(of);
        for (const { process: of, endsAt } of written) if (endsAt > at) over.delete(of);
      }
      look();
    });
    for (const { file, endsAt } of written) if (endsAt >= lives.length) file.writer.close();
    foldDirectory(dir);
    look();
    // a living process may have another thread; the other processes are part of the total
    assert.equal(processesIn(dir), written.some(({ process: of }) => of === 0) ? 1 : 0);
    reading.close();
  });
  fc.assert(property, { numRuns: 60, seed: 20261127 });
});

function pidOf(number: number): number {
  return number === 0 ? process.pid : 6_000_000 + number;
}

test('a process on another machine is added to the total a day after it was last seen', (t) => {
  const dir = withTempDir(t);
  const now = Date.now();
  const fold = (hoursAgo: number): void => {
    const clock = t.mock.method(Date, 'now', () => now - hoursAgo * 3600 * 1000);
    const startTime = String(hoursAgo);
    for (const cpu of [3, 5]) {
      const { store, writer } = createFile(dir, {
        identity: { bootId: 'abc', pidNamespace: 'pid:[1]', pid: 1, startTime },
      });
      addTo(attach(store, store.declare(CPU, ['default']), ['user']), cpu);
      writer.close();
    }
    clock.mock.restore();
    foldDirectory(dir);
  };
  fold(23);
  assert.equal(processesIn(dir), 1);
  fold(25);
  assert.equal(processesIn(dir), 1, 'the one that was seen within a day');
  const reading = new Reading(dir);
  assert.deepEqual(reading.values(), { 'cpu_total{mode="user"}': 10 });
  reading.close();
});

test('the newest exemplar of a process-wide counter is shown, also after a fold', (t) => {
  const dir = withTempDir(t);
  for (const [at, trace] of ['newer', 'older'].entries()) {
    const process = new DeadProcess(dir);
    process.declare({ name: 'cpu_total', help: 'h', type: 'counter', labelNames: [], processWide: true });
    process
      .count('cpu_total', {}, 1)
      .trace('cpu_total', trace, Date.now() / 1000 - at)
      .die();
  }
  const reading = new Reading(dir);
  const shown = (): unknown =>
    reading.families()[0].samples.map(({ value, exemplar }) => [value, exemplar?.labels.traceId]);
  assert.deepEqual(shown(), [[2, 'newer']]);
  assert.equal(foldDirectory(dir).folded, 2);
  assert.deepEqual(shown(), [[2, 'newer']]);
  reading.close();
});
