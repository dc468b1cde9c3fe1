/**
 * The memory of a series with latencies from 1 ms to 10 s, in this process and in its file:
 *
 *   node --expose-gc dist/bench/memory.js
 *
 * «File» is what blocks of the file have in use, for slots and for the log. Each figure is measured in a separate process, which
 * first checks that all observations are counted.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as promClient from 'prom-client';
import { BLOCK, HEADER } from '../src/metrics-file/layout.js';
import { Counter, Histogram, Registry, Summary } from '../src/index.js';
import { table } from './report.js';

const SERIES = 10_000;
const KIB = 1024;
/** Bytes of the file per native series. */
const MAX_NATIVE_FILE = 1.2 * KIB;

const ours = { Counter, Histogram, Summary, Registry } as unknown as typeof promClient;
/** From 1 ms to 10 s, by 5 %. */
const LATENCIES = Array.from({ length: 189 }, (_, at) => 0.001 * 1.05 ** at);

interface Row {
  readonly client: typeof promClient;
  readonly isHistogram: boolean;
  readonly options: object;
}

const NATIVE = { nativeHistogramBucketFactor: 1.1 };
const ROWS: Readonly<Record<string, Row>> = {
  'native histogram': { client: ours, isHistogram: true, options: { ...NATIVE, buckets: [] } },
  'both flavours, 11 buckets': { client: ours, isHistogram: true, options: NATIVE },
  'classic histogram, 11 buckets': { client: ours, isHistogram: true, options: {} },
  'summary, all time': { client: ours, isHistogram: false, options: {} },
  'prom-client: classic histogram, 11 buckets': { client: promClient, isHistogram: true, options: {} },
  'prom-client: summary': { client: promClient, isHistogram: false, options: {} },
};

function heapUsed(): number {
  gc!();
  gc!();
  return process.memoryUsage().heapUsed;
}

/** Bytes that the blocks of all files in a directory have in use. */
function fileBytes(dir: string): number {
  let used = 0;
  for (const name of readdirSync(dir).filter((each) => each.endsWith('.prom-mp'))) {
    const bytes = readFileSync(join(dir, name));
    let at: number = HEADER.bytes;
    for (let block = 0; block < bytes.readUInt32LE(HEADER.blockCount); block++) {
      used += bytes.readUInt32LE(at + BLOCK.used);
      at += bytes.readUInt32LE(at + BLOCK.pages) * HEADER.bytes;
    }
  }
  return used;
}

async function measure({ client, isHistogram, options }: Row): Promise<void> {
  const Kind = isHistogram ? client.Histogram : client.Summary;
  const registry = new client.Registry();
  const config = { name: 'took_seconds', help: 'h', labelNames: ['route'], ...options };
  const metric = new Kind({ ...config, registers: [registry] });
  const routes = Array.from({ length: SERIES }, (_, at) => `/api/v1/customers/${at}`);
  const dir = process.env.PROMETHEUS_MULTIPROC_DIR!;
  const [heapBefore, fileBefore] = [heapUsed(), fileBytes(dir)];
  for (const route of routes) for (const value of LATENCIES) metric.observe({ route }, value);
  const heap = (heapUsed() - heapBefore) / SERIES;
  const file = (fileBytes(dir) - fileBefore) / SERIES;
  const counted = (await registry.metrics()).matchAll(/^took_seconds_count\{.*\} (\d+)$/gm);
  assert.deepEqual(new Set([...counted].map(([, count]) => Number(count))), new Set([LATENCIES.length]));
  assert.equal(routes.length, SERIES);
  process.stdout.write(JSON.stringify([heap, file]));
}

function drive(): void {
  const rows = Object.keys(ROWS).map((name) => {
    const dir = mkdtempSync(join(tmpdir(), 'prom-multiproc-bench-'));
    try {
      const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir };
      const output = execFileSync(process.execPath, ['--expose-gc', __filename, name], { env, encoding: 'utf8' });
      const [heap, file] = JSON.parse(output) as [number, number];
      if (name === 'native histogram' && file > MAX_NATIVE_FILE) process.exitCode = 1;
      return [name, ...[file, heap, file + heap].map((bytes) => bytes.toFixed(0))];
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
  console.log(table(['bytes per series', 'file', 'JS heap', 'together'], rows));
  console.log(`\nWanted: at most ${MAX_NATIVE_FILE.toFixed(0)} bytes in the file for a native histogram.`);
}

const [, , row] = process.argv;
if (row === undefined) drive();
else void measure(ROWS[row]);
