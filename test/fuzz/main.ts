/**
 * The long form of reader.test.ts: `npm run fuzz [files] [seed]`, by default 100,000 files and a seed of the clock.
 * A finding is had again with its seed, and stops at the file that it names.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fuzzReader } from './reader-fuzz.js';

const [files = 100_000, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number);
const dir = mkdtempSync(join(tmpdir(), 'prom-multiproc-fuzz-'));
// one notice for each kind of damage is enough
console.warn = () => {};
console.log(`${files} damaged files, seed ${seed}`);
try {
  const { damages, reasons, mostBytes, mostSeconds } = fuzzReader(dir, files, seed);
  for (const [name, { files: read, skipped }] of damages) {
    console.log(`a file that ${name}: ${read}, ${skipped} skipped`);
  }
  for (const [reason, count] of reasons) console.log(`skipped as ${reason}: ${count}`);
  console.log(`most that one collection took: ${mostBytes} bytes, ${mostSeconds} s`);
} finally {
  rmSync(dir, { recursive: true });
}
