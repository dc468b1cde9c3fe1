/**
 * Compares scrapes of the same files in each format.
 *
 *   node dist/bench/formats.js
 *
 * The benchmark first decodes protobuf and compares it with the text. Then the formats take turns, and all values change between
 * two rounds. «warm ms» is a whole scrape: reading, merging and rendering.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine, productKey } from '../src/collector/engine.js';
import { dataFileName, temporaryName } from '../src/directory/file-name.js';
import { currentIdentity } from '../src/directory/identity.js';
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
const ROUNDS = 15;
const SETTINGS = { selection: { registries: 'all' }, selfMetrics: false } as const;

interface Scenario {
  readonly files: number;
  readonly series: number;
  readonly declaration: FamilyDeclaration;
}

const COUNTERS: FamilyDeclaration = { name: 'hits_total', help: 'h', type: 'counter', labelNames: ['path', 'code'] };
const SCENARIOS: readonly Scenario[] = [
  { files: 8, series: 50_000, declaration: COUNTERS },
  {
    files: 4,
    series: 10_000,
    declaration: { ...COUNTERS, name: 'took_seconds', type: 'histogram', bounds: DEFAULT_BUCKETS },
  },
];

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
    return one;
  });
}

function scrape(engine: Engine, format: string): { body: Uint8Array; ms: number } {
  const product = { kind: 'body', format, settings: SETTINGS } as const;
  const start = performance.now();
  const steps = engine.collect({ products: [product], heldLocks: { dir: 0, fold: 0 } });
  for (;;) {
    const step = steps.next();
    if (step.done !== true) continue;
    return { body: step.value.bodies.get(productKey(product))!, ms: performance.now() - start };
  }
}

/** Throws where protobuf and text have different samples. */
function assertEqual(engine: Engine): void {
  const { samples } = parseExposition(Buffer.from(scrape(engine, 'text').body).toString());
  const decoded = decodeProtobuf(scrape(engine, 'protobuf').body).flatMap((family) => family.samples);
  const plain = (all: typeof decoded): string[] =>
    all.map(({ name, labels, value }) => JSON.stringify([name, labels, value]));
  assert.deepEqual(plain(decoded), plain(samples));
}

function measure(scenario: Scenario): string[][] {
  const dir = mkdtempSync(join(tmpdir(), 'formats-'));
  try {
    const series = Array.from({ length: scenario.files }, () => makeFile(dir, scenario)).flat();
    // as in a real process, some buckets count more often than others
    const change = (): void => {
      series.forEach(({ view, index, family }, at) => {
        view[index + (at % family.slots)] += 1 + (at % 7);
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
    for (let round = 0; round < ROUNDS; round++) {
      FORMATS.forEach((format, at) => {
        change();
        const { body, ms } = scrape(engine, format);
        warm[at].push(ms);
        bytes[at] = body.length;
      });
    }
    engine.close();
    const { type } = scenario.declaration;
    return FORMATS.map((format, at) => [
      `${type}s ${scenario.files} × ${scenario.series.toLocaleString('en')}`,
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
