/**
 * The cost of a write in the application, compared with prom-client 15.1.3: `node --expose-gc dist/bench/hot-path.js`.
 *
 * Both sides do the same work, and the benchmark first checks that they count the same. Then every sample runs in a separate
 * process, so that the code of one side does not affect the optimization of the other. The samples of all rows and sides are
 * interleaved, so that a busy minute of the machine affects all of them. This package counts in a mapped file.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as promClient from 'prom-client';
import { Counter } from '../src/instruments/counter.js';
import { Histogram } from '../src/instruments/histogram.js';
import { Summary } from '../src/instruments/summary.js';
import { Registry } from '../src/registry/registry.js';
import { Random } from '../test/fuzz/random.js';
import { CODES, METHODS, nanosecondsOf, ROUNDS, ROUTES, type Work } from './operation.js';
import { median } from './report.js';

const SAMPLES = 3;
const HEAP_SERIES = 50_000;
const GARBAGE_OPERATIONS = 50_000;

/** A prefix of a row's name: the child process measures the garbage of the row and not its time. */
const GARBAGE = 'garbage of ';

const ours = { Counter, Histogram, Summary, Registry } as unknown as typeof promClient;
const SIDES = { 'prom-client': promClient, 'prom-multiproc': ours } as const;
type Side = keyof typeof SIDES;

interface Row {
  readonly name: string;
  /** The goal, as a multiple of prom-client's speed. */
  readonly atLeast?: number;
  /** The maximum cost, in ns. */
  readonly atMostNs?: number;
  readonly prepare: (client: typeof promClient, registry: promClient.Registry) => Work;
}

const labelNames = ['method', 'route', 'code'];
/** The same in every process. */
const random = new Random(42);
const DURATIONS = Float64Array.from({ length: 1024 }, () => random.duration());

function observing(histogram: promClient.Histogram): Work {
  const child = histogram.labels('GET', '/api/v1/orders/:id', '200');
  return (count) => {
    for (let at = 0; at < count; at++) child.observe(DURATIONS[at & 1023]);
  };
}

const ROWS: readonly Row[] = [
  {
    name: 'inc()',
    atMostNs: 6,
    prepare: ({ Counter: C }, registry) => {
      const counter = new C({ name: 'a_total', help: 'a', registers: [registry] });
      return (count) => {
        for (let at = 0; at < count; at++) counter.inc();
      };
    },
  },
  {
    name: 'held counter child .inc()',
    atLeast: 100,
    prepare: ({ Counter: C }, registry) => {
      const child = new C({ name: 'a_total', help: 'a', labelNames, registers: [registry] }).labels(
        'GET',
        '/api/v1/orders/:id',
        '200',
      );
      return (count) => {
        for (let at = 0; at < count; at++) child.inc();
      };
    },
  },
  {
    name: 'labels(a,b,c).inc()',
    atLeast: 10,
    prepare: ({ Counter: C }, registry) => {
      const counter = new C({ name: 'a_total', help: 'a', labelNames, registers: [registry] });
      return (count) => {
        for (let at = 0; at < count; at++) counter.labels(METHODS[at & 3], ROUTES[at & 15], CODES[at % 3]).inc();
      };
    },
  },
  {
    name: 'inc({3 labels})',
    atLeast: 6,
    prepare: ({ Counter: C }, registry) => {
      const counter = new C({ name: 'a_total', help: 'a', labelNames, registers: [registry] });
      return (count) => {
        for (let at = 0; at < count; at++) {
          counter.inc({ method: METHODS[at & 3], route: ROUTES[at & 15], code: CODES[at % 3] });
        }
      };
    },
  },
  {
    name: 'held histogram child .observe()',
    atLeast: 35,
    prepare: ({ Histogram: H }, registry) => {
      return observing(new H({ name: 'a_seconds', help: 'a', labelNames, registers: [registry] }));
    },
  },
  {
    name: 'held native histogram child .observe()',
    atMostNs: 8,
    prepare: ({ Histogram: H }, registry) => {
      // prom-client has no native histograms: it counts the bucket +Inf
      const native = { nativeHistogramBucketFactor: 1.1, buckets: [] };
      return observing(new H({ name: 'a_seconds', help: 'a', labelNames, registers: [registry], ...native }));
    },
  },
  {
    name: 'observe({3 labels})',
    atLeast: 6,
    prepare: ({ Histogram: H }, registry) => {
      const histogram = new H({ name: 'a_seconds', help: 'a', labelNames, registers: [registry] });
      return (count) => {
        for (let at = 0; at < count; at++) {
          const labels = { method: METHODS[at & 3], route: ROUTES[at & 15], code: CODES[at % 3] };
          histogram.observe(labels, DURATIONS[at & 1023]);
        }
      };
    },
  },
  {
    name: 'held summary child .observe()',
    atLeast: 30,
    prepare: ({ Summary: S }, registry) => {
      const child = new S({ name: 'a_seconds', help: 'a', labelNames, registers: [registry] }).labels(
        'GET',
        '/api/v1/orders/:id',
        '200',
      );
      return (count) => {
        for (let at = 0; at < count; at++) child.observe(DURATIONS[at & 1023]);
      };
    },
  },
];

/**
 * Bytes that an operation leaves to the garbage collector, when its code is optimized: before that, a number that is passed on is
 * an object. It is the minimum of some rounds. A round is so short that it would cause no scavenge even if each operation made an
 * object of the smallest size, 16 bytes.
 */
function sampleGarbageBytes(row: Row, side: Side): number {
  const client = SIDES[side];
  const work = row.prepare(client, new client.Registry());
  for (let round = 0; round < 20; round++) work(GARBAGE_OPERATIONS);
  const rounds = Array.from({ length: ROUNDS }, () => {
    gc!();
    const before = process.memoryUsage().heapUsed;
    work(GARBAGE_OPERATIONS);
    return Math.abs(process.memoryUsage().heapUsed - before) / GARBAGE_OPERATIONS;
  });
  return Math.min(...rounds);
}

/** Bytes of JS heap per series of a counter. */
function sampleHeapBytes(side: Side): number {
  const client = SIDES[side];
  const counter = new client.Counter({ name: 'a_total', help: 'a', labelNames, registers: [new client.Registry()] });
  const heapUsed = (): number => {
    gc!();
    gc!();
    return process.memoryUsage().heapUsed;
  };
  const routes = Array.from({ length: HEAP_SERIES / 4 }, (_, at) => `${ROUTES[at & 15]}/${at}`);
  const before = heapUsed();
  for (let at = 0; at < HEAP_SERIES; at++) {
    counter.inc({ method: METHODS[at & 3], route: routes[at >> 2], code: CODES[at % 3] });
  }
  const bytes = (heapUsed() - before) / HEAP_SERIES;
  counter.inc({ method: 'GET', route: '/', code: '200' });
  return bytes;
}

/** Checks that both sides count the same: equal texts, and medians within 3 %. At the tails prom-client's digest is less exact. */
async function assertEqualOutput(row: Row): Promise<void> {
  const [theirs, own] = await Promise.all(
    Object.values(SIDES).map(async (client) => {
      const registry = new client.Registry();
      row.prepare(client, registry)(10_000);
      return (await registry.metrics()).split('\n').toSorted();
    }),
  );
  assert.equal(own.length, theirs.length, row.name);
  own.forEach((line, at) => {
    const exact = !line.includes('quantile=') && !line.includes('_sum');
    if (exact) return assert.equal(line, theirs[at], row.name);
    if (line.includes('quantile=') && !line.includes('"0.5"')) return;
    const [value, expected] = [line, theirs[at]].map((text) => Number(text.slice(text.lastIndexOf(' '))));
    assert.ok(Math.abs(value / expected - 1) < 0.03, `${row.name}: ${line} but ${theirs[at]}`);
  });
}

/** Runs each figure in a separate process: all figures once, and then all of them again. */
function measure(dir: string): Map<string, number> {
  const figures = [...ROWS.flatMap(({ name }) => [name, `${GARBAGE}${name}`]), 'heap'];
  const samples = new Map<string, number[]>();
  for (let round = 0; round < SAMPLES; round++) {
    for (const figure of figures) {
      for (const side of Object.keys(SIDES)) {
        const key = `${side} ${figure}`;
        const output = execFileSync(process.execPath, ['--expose-gc', __filename, side, figure], {
          env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir },
          encoding: 'utf8',
        });
        samples.set(key, [...(samples.get(key) ?? []), Number(output)]);
      }
    }
  }
  return new Map([...samples].map(([key, values]) => [key, median(values)]));
}

function printTable(medians: ReadonlyMap<string, number>): boolean {
  let reached = true;
  const lines = [['', 'prom-client', 'prom-multiproc', 'ratio', 'must reach', 'garbage there', 'here']];
  const add = (name: string, theirs: number, own: number, unit: string, rule: string, holds: boolean): void => {
    const ratio = theirs / own;
    reached &&= holds;
    const mark = rule === '' ? '' : `${rule}${holds ? '' : '  MISSED'}`;
    const garbage = Object.keys(SIDES).map((side) => medians.get(`${side} ${GARBAGE}${name}`));
    lines.push([
      ...[name, `${theirs.toFixed(1)} ${unit}`, `${own.toFixed(1)} ${unit}`, `${ratio.toFixed(1)} x`, mark],
      ...garbage.map((bytes) => (bytes === undefined ? '' : `${bytes.toFixed(0)} B`)),
    ]);
  };
  for (const { name, atLeast, atMostNs } of ROWS) {
    const [theirs, own] = [medians.get(`prom-client ${name}`)!, medians.get(`prom-multiproc ${name}`)!];
    if (atMostNs !== undefined) add(name, theirs, own, 'ns', `${atMostNs} ns`, own <= atMostNs);
    else add(name, theirs, own, 'ns', `${atLeast} x`, theirs / own >= atLeast!);
  }
  const [theirs, own] = [medians.get('prom-client heap')!, medians.get('prom-multiproc heap')!];
  add('JS heap per counter series', theirs, own, 'B', '1 x', own <= theirs);
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  for (const line of lines) {
    console.log(line.map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at]))).join('  '));
  }
  return reached;
}

function sampleOf(figure: string, side: Side): number {
  if (figure === 'heap') return sampleHeapBytes(side);
  const row = ROWS.find(({ name }) => figure === name || figure === GARBAGE + name)!;
  return figure === row.name
    ? nanosecondsOf(row.prepare(SIDES[side], new SIDES[side].Registry()))
    : sampleGarbageBytes(row, side);
}

async function main(): Promise<void> {
  const [side, figure] = process.argv.slice(2) as [Side | undefined, string];
  if (side !== undefined) {
    process.stdout.write(String(sampleOf(figure, side)));
    return;
  }
  for (const row of ROWS) await assertEqualOutput(row);
  const dir = mkdtempSync(join(tmpdir(), 'prom-multiproc-bench-'));
  try {
    console.log(`Node ${process.version}, ${SAMPLES} processes a figure, medians`);
    process.exitCode = printTable(measure(dir)) ? 0 : 1;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

void main();
