/**
 * Compares a warm scrape with the least possible work: reading 8 × 100,000 float64 slots, adding them, and writing 100,000 lines.
 *
 *   node dist/bench/bare-loop.js
 *
 * The bare loop reads the same slots of the same files, adds them in the same order, and writes lines from prefixes that it
 * has as strings. It does not look for new series, dead processes and archives. The benchmark first checks that both print the
 * same lines. All values change between two rounds, and the rounds of both sides are interleaved.
 */
import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine, productKey, type Results } from '../src/collector/engine.js';
import { dataFileName, temporaryName } from '../src/directory/file-name.js';
import { currentIdentity } from '../src/directory/identity.js';
import { BLOCK, HEADER, PAGE_BYTES } from '../src/metrics-file/layout.js';
import { MappedBytes } from '../src/metrics-file/mapped-bytes.js';
import { native } from '../src/metrics-file/mapping.js';
import { FileWriter } from '../src/metrics-file/writer.js';
import { Series } from '../src/storage/series.js';
import { SeriesStore } from '../src/storage/series-store.js';
import { median, table } from './report.js';

const FILES = 8;
const SERIES = 100_000;
const ROUNDS = 15;

interface CountingFile {
  readonly path: string;
  readonly series: readonly Series[];
}

function makeFile(dir: string): CountingFile {
  const identity = currentIdentity('flock');
  const name = dataFileName(identity);
  const bytes = MappedBytes.create(native()!, { temporaryPath: join(dir, temporaryName(name)), maxBytes: 1 << 30 });
  const store = new SeriesStore(new FileWriter(bytes, identity), { maxSeriesPerMetric: SERIES });
  bytes.publish(join(dir, name));
  const family = store.declare({ name: 'hits_total', help: 'h', type: 'counter', labelNames: ['path', 'code'] }, [
    'default',
  ]);
  const series = Array.from({ length: SERIES }, (_, at) => {
    const one = new Series(family, [`/api/items/${String(at).padStart(6, '0')}`, '200']);
    store.attach(one);
    one.view[one.index] = at;
    return one;
  });
  return { path: join(dir, name), series };
}

/** The places of the values in a file: runs of slots, in the order of the series. */
interface Run {
  readonly offset: number;
  readonly slots: number;
}

function runsOf({ path, series }: CountingFile): Run[] {
  const fd = openSync(path, 'r');
  const head = new Uint32Array(BLOCK.data / 4);
  const offsets: number[] = [];
  for (let offset = HEADER.bytes; readSync(fd, head, 0, head.byteLength, offset) === head.byteLength;) {
    offsets.push(offset + BLOCK.data);
    offset += head[BLOCK.pages / 4] * PAGE_BYTES;
  }
  closeSync(fd);
  const slots = new Map<number, number>();
  for (const { block } of series) slots.set(block!.number, (slots.get(block!.number) ?? 0) + 1);
  return [...slots].map(([number, count]) => ({ offset: offsets[number], slots: count }));
}

class BareLoop {
  readonly #files: { readonly fd: number; readonly runs: readonly Run[]; readonly values: Float64Array }[];
  readonly #merged = new Float64Array(SERIES);
  readonly #prefixes: readonly string[];

  constructor(files: readonly CountingFile[]) {
    this.#files = files.map((file) => ({
      fd: openSync(file.path, 'r'),
      runs: runsOf(file),
      values: new Float64Array(SERIES),
    }));
    this.#prefixes = files[0].series.map(
      ({ labelValues: [path, code] }) => `hits_total{path="${path}",code="${code}"} `,
    );
  }

  scrape(): Buffer {
    const merged = this.#merged.fill(0);
    for (const { fd, runs, values } of this.#files) {
      let slot = 0;
      for (const run of runs) {
        const bytes = new Uint8Array(values.buffer, 8 * slot, 8 * run.slots);
        readSync(fd, bytes, 0, bytes.length, run.offset);
        slot += run.slots;
      }
      for (let at = 0; at < SERIES; at++) merged[at] += values[at];
    }
    let text = '';
    for (let at = 0; at < SERIES; at++) text += `${this.#prefixes[at]}${merged[at]}\n`;
    return Buffer.from(text);
  }
}

const PRODUCT = {
  kind: 'body',
  format: 'text',
  settings: { selection: { registries: 'all' }, selfMetrics: false },
} as const;

function collect(engine: Engine): Uint8Array {
  const steps = engine.collect({ products: [PRODUCT], heldLocks: { dir: 0, fold: 0 } });
  for (;;) {
    const step = steps.next();
    if (step.done === true) return (step.value.results.get(productKey(PRODUCT)) as Results['body']).body;
  }
}

const dir = mkdtempSync(join(tmpdir(), 'bare-loop-'));
try {
  const files = Array.from({ length: FILES }, () => makeFile(dir));
  const engine = new Engine({ dir, deadRetentionSeconds: 3600, maxOpenFiles: 64 });
  const bare = new BareLoop(files);
  const change = (): void => {
    for (const { series } of files) for (const one of series) one.view[one.index]++;
  };
  const timed = (work: () => unknown): number => {
    const start = performance.now();
    work();
    return performance.now() - start;
  };
  const cold = timed(() => collect(engine));
  const ours = Buffer.from(collect(engine)).toString();
  assert.equal(ours.slice(ours.indexOf('\nhits_total{') + 1), bare.scrape().toString());
  const [bareMs, oursMs]: number[][] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    change();
    bareMs.push(timed(() => bare.scrape()));
    oursMs.push(timed(() => collect(engine)));
  }
  const [bareMedian, oursMedian] = [median(bareMs), median(oursMs)];
  console.log(
    table(
      [`${FILES} × ${SERIES.toLocaleString('en')} counters`, 'ms', 'ratio'],
      [
        ['bare loop', bareMedian.toFixed(1), '1'],
        ['warm merge and render', oursMedian.toFixed(1), (oursMedian / bareMedian).toFixed(2)],
        ['cold', cold.toFixed(0), ''],
      ],
    ),
  );
} finally {
  rmSync(dir, { recursive: true, force: true });
}
