/**
 * Damaged files in a directory beside whole ones, collected and rendered. Whatever the damage: nothing is thrown, the text
 * parses, no series is in it twice; a file that is skipped has left no trace; the metrics that only whole files have are
 * always right.
 */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DirectoryCollection } from '../../src/collector/collection.js';
import { MergedBody } from '../../src/collector/merged-output.js';
import { formatOf } from '../../src/exposition/formats.js';
import type { SelectedFamilies } from '../../src/merge/selected-families.js';
import { dataFileName } from '../../src/directory/file-name.js';
import { BLOCK, BlockKind } from '../../src/metrics-file/layout.js';
import { writeExemplarCell } from '../../src/metrics-file/exemplar-cell.js';
import { assertNoDuplicateSeries, parseExposition } from '../support/exposition-parser.js';
import { addTo, attach, counter, createFile, gauge, histogram, type WrittenFile } from '../support/written-file.js';
import { mutate, takeApart } from './mutation.js';
import { Random } from './random.js';

const VICTIM = { pid: 77, threadId: 0, id: 'abcdefabcdefabcd' };
const REGISTRIES = ['default'];

export interface FuzzReport {
  /** How often each damage was read, and how often it led to the file's being skipped. */
  readonly damages: Map<string, { files: number; skipped: number }>;
  /** How often a file was skipped, by the reason that is counted. */
  readonly reasons: Map<string, number>;
  /** Most bytes that arrays of the reader took more than before a collection. */
  mostBytes: number;
  /** Most seconds of the processor that one scrape took. */
  mostSeconds: number;
}

/** What no scrape may cost, whatever the file: the bytes are beside those of the file. */
const MAX_SECONDS = 2;
const MAX_BYTES = 256 * 1024 * 1024;

/** Reads that many damaged files in `dir`, which is empty. */
export function fuzzReader(dir: string, files: number, seed: number): FuzzReport {
  const random = new Random(seed);
  const good = [1, 2].map((pid) => goodFile(dir, pid));
  const victim = takeApart(victimBytes(dir));
  const path = join(dir, dataFileName(VICTIM));
  rmSync(path);
  const without = new Reading(dir);
  const expected = without.text();
  const own = linesOf(expected);
  assert.ok(own.length > 10);
  without.close();
  const report: FuzzReport = { damages: new Map(), reasons: new Map(), mostBytes: 0, mostSeconds: 0 };
  let reading = new Reading(dir);
  for (let file = 0; file < files; file++) {
    const { name, bytes } = mutate(victim, random);
    const context = `seed ${seed}, file ${file}: ${name}`;
    try {
      // half of the files are damaged after they were read whole
      if (random.next() < 0.5) {
        reading.close();
        rmSync(path, { force: true });
        reading = new Reading(dir);
      } else {
        writeFileSync(path, victim.bytes);
        reading.text();
      }
      writeFileSync(path, bytes);
      const before = process.memoryUsage().arrayBuffers;
      const start = process.cpuUsage();
      const text = reading.text();
      const { user, system } = process.cpuUsage(start);
      report.mostSeconds = Math.max(report.mostSeconds, (user + system) / 1e6);
      assert.ok(user + system < MAX_SECONDS * 1e6, `${(user + system) / 1e6} s`);
      report.mostBytes = Math.max(report.mostBytes, process.memoryUsage().arrayBuffers - before);
      assert.ok(report.mostBytes < MAX_BYTES + bytes.length, `${report.mostBytes} bytes`);
      parseExposition(text);
      assertNoDuplicateSeries(text);
      assert.deepEqual(linesOf(text), own);
      const [reason] = reading.skips();
      count(report, name, reason);
      if (reason !== undefined) assert.equal(text, expected);
    } catch (error) {
      throw new Error(`${context}: ${(error as Error).message}`, { cause: error });
    }
  }
  reading.close();
  for (const { writer } of good) writer.close();
  return report;
}

/** A directory as a collector reads it. */
class Reading {
  readonly #collection: DirectoryCollection;
  readonly #selected: SelectedFamilies;
  readonly #text: MergedBody;

  constructor(dir: string) {
    const options = { dir, deadRetentionSeconds: Infinity, maxOpenFiles: 10 };
    this.#collection = new DirectoryCollection(options);
    this.#selected = this.#collection.select({ registries: 'all' });
    this.#text = new MergedBody(this.#selected, formatOf('openmetrics'), { created: true });
  }

  text(): string {
    for (const _ of this.#collection.collect());
    this.#selected.update();
    return Buffer.from(this.#text.render([])).toString();
  }

  /** Reasons for which files were skipped in the last collection. */
  skips(): string[] {
    const { skipped } = this.#collection;
    return Object.entries(skipped).flatMap(([reason, files]) => (files > 0 ? [reason] : []));
  }

  close(): void {
    this.#collection.close();
  }
}

function goodFile(dir: string, pid: number): WrittenFile {
  const file = createFile(dir, { identity: { pid, startedAt: pid, createdAt: pid } });
  const { store } = file;
  store.setDefaultLabels('default', { app: 'fuzz' });
  const own = store.declare(counter('good_total', ['kind']), REGISTRIES);
  for (let kind = 0; kind < 20; kind++) addTo(attach(store, own, [String(kind)]), kind + pid);
  const times = store.declare(histogram('good_seconds', [1, 2, 4], ['path']), REGISTRIES);
  for (let slot = 0; slot < 5; slot++) addTo(attach(store, times, [`/${slot}`]), 1, slot);
  fillShared(file);
  return file;
}

/** What good files and the victim have in common. */
function fillShared({ store }: WrittenFile): void {
  const jobs = store.declare(counter('jobs_total', ['kind', 'queue']), REGISTRIES);
  for (let kind = 0; kind < 8; kind++) {
    const series = attach(store, jobs, [String(kind), kind % 2 === 0 ? undefined : 'x"\\\n']);
    addTo(series, kind);
    if (kind > 0) continue;
    const cell = store.attachTo(series, { kind: 'exemplar', slotOffset: 0 });
    writeExemplarCell(cell.view, cell.index, { labels: { trace: 'a' }, value: 1, timestamp: 2 });
  }
  for (const mode of ['all', 'max', 'livesum']) {
    const family = store.declare(gauge(`depth_${mode}`, mode, ['queue']), REGISTRIES);
    for (const queue of ['a', 'b']) attach(store, family, [queue]).view.fill(1);
  }
  const times = store.declare(histogram('time_seconds', [0.5, 1], ['path']), REGISTRIES);
  for (const path of ['/a', '/b']) addTo(attach(store, times, [path]), 3, 1);
  const summary = store.declare(
    { name: 'size_bytes', help: 'Size', type: 'summary', labelNames: [], quantiles: [0.5, 0.9] },
    REGISTRIES,
  );
  const sizes = attach(store, summary, []);
  const chunk = store.attachTo(sizes, { kind: 'sketch', sign: 1, chunk: 0, windows: 1, windowSeconds: 0 });
  chunk.view[chunk.index] = 1;
  chunk.view[chunk.index + 5] = 3;
  addTo(sizes, 30, 0);
  addTo(sizes, 3, 1);
  const removed = attach(store, jobs, ['gone', 'gone']);
  addTo(removed, 99);
  store.detach(removed);
}

/** Of a writer that holds no lock: it may be alive, so that the file is read again and again. */
function victimBytes(dir: string): Buffer {
  const file = createFile(dir, { identity: { ...VICTIM, startedAt: 5, createdAt: 5, liveness: 'heartbeat' } });
  file.store.setDefaultLabels('default', { app: 'fuzz', zone: 'b' });
  fillShared(file);
  file.writer.close();
  const bytes = readFileSync(file.path);
  assert.equal(bytes.readUInt32LE(takeApart(bytes).log + BLOCK.kind), BlockKind.Key);
  return bytes;
}

/** Lines of the metrics that only whole files have. */
function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line.startsWith('good_'));
}

function count(report: FuzzReport, name: string, reason: string | undefined): void {
  const damage = report.damages.get(name) ?? { files: 0, skipped: 0 };
  damage.files++;
  report.damages.set(name, damage);
  if (reason === undefined) return;
  damage.skipped++;
  report.reasons.set(reason, (report.reasons.get(reason) ?? 0) + 1);
}
