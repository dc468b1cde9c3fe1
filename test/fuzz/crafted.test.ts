/** Files whose checksums are right and whose records were made to cost much: none costs more than its bytes are worth. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { BlockKind, RecordKind } from '../../src/metrics-file/layout.js';
import {
  encodeDefaultLabels,
  encodeFamily,
  encodeKey,
  encodeKeyedSeries,
  encodeRecord,
  encodeRemoval,
} from '../../src/metrics-file/record.js';
import type { FileWriter } from '../../src/metrics-file/writer.js';
import type { FamilyDeclaration } from '../../src/model/family-declaration.js';
import { afterTest } from '../support/after-test.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter, histogram } from '../support/declarations.js';
import { addTo, attach, createFile, createWriter } from '../support/written-file.js';

const MIB = 1024 * 1024;
const REGISTRIES = ['default'];

interface Cost {
  readonly text: string;
  readonly reasons: string[];
}

/** A scrape of the directory, which is to be quick and small, twice. */
function scrape(dir: string, inputBytes: number): Cost {
  const reading = new Reading(dir);
  try {
    for (let time = 0; ; time++) {
      const [start, before] = [process.cpuUsage(), process.memoryUsage()];
      const text = reading.text();
      const { user, system } = process.cpuUsage(start);
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      assert.ok(user + system < 2_000_000, `${(user + system) / 1e6} s`);
      const bytes = heapUsed + arrayBuffers - before.heapUsed - before.arrayBuffers;
      assert.ok(bytes < 256 * MIB + inputBytes, `${bytes / MIB} MiB`);
      if (time === 0) continue;
      const { skipped } = reading.stats;
      return { text, reasons: Object.entries(skipped).flatMap(([reason, files]) => (files > 0 ? [reason] : [])) };
    }
  } finally {
    reading.close();
  }
}

/** An honest file and one that `craft` writes; and what a scrape and a fold make of the two. */
function withCrafted(t: TestContext, craft: (writer: FileWriter) => void): Cost {
  const warn = t.mock.method(console, 'warn', () => {});
  afterTest(t, () => warn.mock.restore());
  const dir = withTempDir(t, { checkFiles: false });
  const { store, writer: honest } = createFile(dir, { identity: { pid: 1, startedAt: 1 } });
  addTo(attach(store, store.declare(counter('honest_total'), REGISTRIES), []), 7);
  const times = store.declare(histogram('shared_seconds', [1, 2, 5], ['path']), REGISTRIES);
  for (let path = 0; path < 1000; path++) addTo(attach(store, times, [`/${path}`]), 1, 1);
  const writer = createWriter(dir, { identity: { pid: 2, startedAt: 2 } });
  craft(writer);
  writer.flush();
  honest.flush();
  const cost = scrape(dir, statSync(writer.bytes.path).size);
  assert.match(cost.text, /^honest_total 7$/m);
  assert.match(cost.text, /^shared_seconds_bucket\{le="2",path="\/999"\} 1$/m);
  writer.close();
  honest.close();
  const start = process.cpuUsage();
  foldDirectory(dir);
  const { user, system } = process.cpuUsage(start);
  assert.ok(user + system < 4_000_000, `a fold of ${(user + system) / 1e6} s`);
  return cost;
}

function family(writer: FileWriter, id: number, declaration: FamilyDeclaration, declaredAt = Date.now() / 1000): void {
  assert.ok(writer.append(encodeFamily({ id, declaration, registries: REGISTRIES, declaredAt })));
}

function series(writer: FileWriter, id: number, block: number, slot: number, values: readonly string[]): void {
  const place = { family: id, block, slot, createdAt: 0, endedAt: 0 };
  assert.ok(writer.append(encodeKeyedSeries(place, encodeKey(values))));
}

const bounds = (count: number, from = 0): number[] => Array.from({ length: count }, (_, at) => from + at);

test('20,000 histograms in the same 30,000 slots are refused at the second', (t) => {
  const { reasons } = withCrafted(t, (writer) => {
    const block = writer.addValueBlock(BlockKind.Histogram, 50_000)!;
    block.publishUsed(50_000);
    family(writer, 1, histogram('crafted', bounds(30_000), ['kind']));
    for (let at = 0; at < 20_000; at++) series(writer, 1, block.number, at, [String(at)]);
  });
  assert.deepEqual(reasons, ['corrupt']);
});

test('10,000 histograms that come and go in the same slots need the cells of one', (t) => {
  const { reasons } = withCrafted(t, (writer) => {
    const block = writer.addValueBlock(BlockKind.Histogram, 50_000)!;
    block.publishUsed(50_000);
    family(writer, 1, histogram('crafted', bounds(5000), ['kind']));
    for (let at = 0; at < 10_000; at++) {
      series(writer, 1, block.number, 0, [String(at)]);
      if (at < 5000) writer.append(encodeRemoval(block.number, 0));
    }
  });
  assert.deepEqual(reasons, []);
});

test('attachments that share slots are refused', (t) => {
  const { reasons } = withCrafted(t, (writer) => {
    const sums = writer.addValueBlock(BlockKind.Sum, 8)!;
    const sketches = writer.addValueBlock(BlockKind.Sketch, 40_000)!;
    sums.publishUsed(2);
    sketches.publishUsed(40_000);
    family(writer, 1, { name: 'crafted', help: 'h', type: 'summary', labelNames: [], quantiles: [0.5] });
    series(writer, 1, sums.number, 0, []);
    const chunk = { block: sketches.number, owner: [sums.number, 0], sign: 1, windows: 1000, windowSeconds: 0 };
    for (let slot = 0; slot < 4000; slot++) {
      writer.append(encodeRecord(RecordKind.SketchChunk, { ...chunk, slot, chunk: slot }));
    }
  });
  assert.deepEqual(reasons, ['corrupt']);
});

test('a name that is declared 1,000 times, each time with other buckets, is decided once', (t) => {
  withCrafted(t, (writer) => {
    for (let at = 0; at < 1000; at++) {
      family(writer, at + 1, { ...histogram('crafted', bounds(300, at * 300)), help: String(at) });
    }
  });
});

test('60,000 label names cost what their bytes cost', (t) => {
  const { reasons } = withCrafted(t, (writer) => {
    const block = writer.addValueBlock(BlockKind.Sum, 64)!;
    block.publishUsed(20);
    const labelNames = bounds(60_000).map((at) => `label_${at}`);
    for (let at = 0; at < 5; at++) {
      family(writer, at + 1, counter(`crafted_${at}_total`, labelNames));
      series(writer, at + 1, block.number, at, labelNames);
    }
  });
  assert.deepEqual(reasons, []);
});

test('100,000 buckets beside an honest histogram leave that as it is', (t) => {
  const { text } = withCrafted(t, (writer) => {
    const block = writer.addValueBlock(BlockKind.Histogram, 101_000)!;
    block.publishUsed(100_002);
    family(writer, 1, { ...histogram('shared_seconds', bounds(100_000), ['path']), help: 'Other' });
    series(writer, 1, block.number, 0, ['/crafted']);
  });
  assert.ok(text.length < MIB, `${text.length} characters`);
});

test('100,000 quantiles make no 100,000 lines of each series', (t) => {
  withCrafted(t, (writer) => {
    const block = writer.addValueBlock(BlockKind.Sum, 4000)!;
    block.publishUsed(4000);
    const quantiles = bounds(100_000).map((at) => at / 100_000);
    family(writer, 1, { name: 'crafted', help: 'h', type: 'summary', labelNames: ['kind'], quantiles });
    for (let at = 0; at < 2000; at++) series(writer, 1, block.number, 2 * at, [String(at)]);
  });
});

test('default labels make no text without end', (t) => {
  const { reasons } = withCrafted(t, (writer) => {
    const block = writer.addValueBlock(BlockKind.Sum, 20_000)!;
    block.publishUsed(20_000);
    writer.append(encodeDefaultLabels('default', { big: 'x'.repeat(500_000) }));
    family(writer, 1, counter('crafted_total', ['kind']));
    for (let at = 0; at < 20_000; at++) series(writer, 1, block.number, at, [String(at)]);
  });
  assert.deepEqual(reasons, ['corrupt']);
});

test('a type that is declared in the year 2100 is not the newest for ever', (t) => {
  const { text } = withCrafted(t, (writer) => {
    family(writer, 1, { ...counter('shared_seconds', ['path']), help: 'Later' }, Date.UTC(2100, 0) / 1000);
    family(writer, 2, { ...counter('shared_seconds', ['path']), help: 'No time' }, NaN);
  });
  assert.match(text, /^# TYPE shared_seconds histogram$/m);
});
