/**
 * Compares scrapes of the same files in each format.
 *
 *   node --expose-gc dist/bench/formats.js
 *
 * The benchmark first decodes protobuf and compares it with the text. Then the formats take turns, and all series change between
 * two scrapes. «warm ms» is the CPU time of a whole scrape: reading, merging and rendering.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine, productKey, type Results } from '../src/collector/engine.js';
import { dataFileName, temporaryName } from '../src/directory/file-name.js';
import { currentIdentity } from '../src/directory/identity.js';
import { nativeRole } from '../src/metrics-file/attachment.js';
import { MappedBytes } from '../src/metrics-file/mapped-bytes.js';
import { native } from '../src/metrics-file/mapping.js';
import { FileWriter } from '../src/metrics-file/writer.js';
import type { FamilyDeclaration } from '../src/model/family-declaration.js';
import { DEFAULT_BUCKETS } from '../src/model/buckets.js';
import { Series } from '../src/storage/series.js';
import { SeriesStore } from '../src/storage/series-store.js';
import { parseExposition } from '../test/support/exposition-parser.js';
import { decodeProtobuf } from '../test/support/protobuf-decoder.js';
import { median, table } from './report.js';

const FORMATS = ['text', 'openmetrics', 'protobuf'] as const;
/** By the last of the first rounds no bin is empty any more that values fall into. */
const FIRST_ROUNDS = 12;
const ROUNDS = 21;
const SETTINGS = { selection: { registries: 'all' }, selfMetrics: false } as const;

interface Scenario {
  readonly name: string;
  readonly files: number;
  readonly series: number;
  readonly declaration: FamilyDeclaration;
}

const COUNTERS: FamilyDeclaration = { name: 'hits_total', help: 'h', type: 'counter', labelNames: ['path', 'code'] };
const HISTOGRAMS: FamilyDeclaration = {
  ...{ ...COUNTERS, name: 'took_seconds', type: 'histogram', bounds: DEFAULT_BUCKETS },
};
const NATIVE = { schema: 3, zeroThreshold: 2 ** -128, maxBuckets: 160 };
const SCENARIOS: readonly Scenario[] = [
  { name: 'counters', files: 8, series: 50_000, declaration: COUNTERS },
  { name: 'classic histograms', files: 4, series: 10_000, declaration: HISTOGRAMS },
  { name: 'both flavours', files: 4, series: 10_000, declaration: { ...HISTOGRAMS, native: NATIVE } },
  { name: 'native histograms', files: 4, series: 10_000, declaration: { ...HISTOGRAMS, bounds: [], native: NATIVE } },
];
/** Durations from 1 ms to 10 s are in the chunks of two octaves from this number on. */
const FIRST_CHUNK = -5;
const CHUNKS = 7;

function makeFile(dir: string, { series: count, declaration }: Scenario): Series[] {
  const identity = currentIdentity('flock');
  const name = dataFileName(identity);
  const bytes = MappedBytes.create(native()!, { temporaryPath: join(dir, temporaryName(name)), maxBytes: 1 << 30 });
  const store = new SeriesStore(new FileWriter(bytes, identity), { maxSeriesPerMetric: count });
  bytes.publish(join(dir, name));
  const family = store.declare(declaration, ['default']);
  return Array.from({ length: count }, (_, at) => {
    const one = new Series(family, [`/api/items/${String(at).padStart(6, '0')}`, '200']);
    store.attach(one);
    for (let chunk = 0; declaration.native !== undefined && chunk < CHUNKS; chunk++) {
      store.attachTo(one, nativeRole(1, FIRST_CHUNK + chunk, NATIVE.schema));
    }
    return one;
  });
}

/** CPU time of this process, in which other work on the machine counts less than on the clock. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function scrape(engine: Engine, format: string): { body: Uint8Array; ms: number } {
  const product = { kind: 'body', format, settings: SETTINGS } as const;
  const start = cpuMs();
  const steps = engine.collect({ products: [product], heldLocks: { dir: 0, fold: 0 } });
  for (;;) {
    const step = steps.next();
    if (step.done !== true) continue;
    const { body } = step.value.results.get(productKey(product)) as Results['body'];
    return { body, ms: cpuMs() - start };
  }
}

/** Throws where protobuf and text have different samples. */
function assertEqual(engine: Engine): void {
  const { samples } = parseExposition(Buffer.from(scrape(engine, 'text').body).toString());
  const decoded = decodeProtobuf(scrape(engine, 'protobuf').body).flatMap((family) => family.samples);
  const plain = (all: typeof decoded): string[] =>
    all.map(({ name, labels, value }) => JSON.stringify([name, labels, value]));
  const hasBuckets = decoded.some(({ name }) => name.endsWith('_bucket'));
  const expected = hasBuckets ? samples : samples.filter(({ name }) => !name.endsWith('_bucket'));
  assert.deepEqual(plain(decoded), plain(expected));
}

function measure(scenario: Scenario): string[][] {
  const dir = mkdtempSync(join(tmpdir(), 'formats-'));
  try {
    const series = Array.from({ length: scenario.files }, () => makeFile(dir, scenario)).flat();
    let rounds = 0;
    // as in a real process, some buckets count more often than others
    const change = (): void => {
      rounds++;
      series.forEach(({ view, index, family, attachments }, at) => {
        view[index + ((at + rounds) % family.slots)] += 1 + (at % 7);
        if (attachments === undefined) return;
        // most durations are around 50 ms: half of the bins stay empty
        const bin = (at * 7 + rounds * 5) % 32;
        const { view: bins, index: first } = attachments[2 + (bin >> 4)];
        bins[first + (bin & 15)] += 1 + (at % 7);
      });
    };
    change();
    const options = { dir, deadRetentionSeconds: 3600, maxOpenFiles: 64 };
    const cold = FORMATS.map((format) => {
      const engine = new Engine(options);
      const { ms } = scrape(engine, format);
      engine.close();
      return ms;
    });
    const engine = new Engine(options);
    assertEqual(engine);
    const warm: number[][] = FORMATS.map(() => []);
    const bytes = FORMATS.map(() => 0);
    for (let round = 0; round < FIRST_ROUNDS + ROUNDS; round++) {
      FORMATS.forEach((format, at) => {
        change();
        // the writers' objects are in this process too: to collect that garbage is not part of a scrape
        gc!();
        const { body, ms } = scrape(engine, format);
        if (round >= FIRST_ROUNDS) warm[at].push(ms);
        bytes[at] = body.length;
      });
    }
    engine.close();
    return FORMATS.map((format, at) => [
      `${scenario.name} ${scenario.files} × ${scenario.series.toLocaleString('en')}`,
      format,
      cold[at].toFixed(0),
      median(warm[at]).toFixed(1),
      (median(warm[at]) / median(warm[0])).toFixed(2),
      (bytes[at] / 1e6).toFixed(1),
    ]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

console.log(table(['files × series', 'format', 'cold ms', 'warm ms', 'ratio', 'MB'], SCENARIOS.flatMap(measure)));
