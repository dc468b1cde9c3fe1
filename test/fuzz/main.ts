/**
 * The long form of reader.test.ts: `npm run fuzz [files] [seed]`, by default 100,000 files and a seed of the clock. Every tenth
 * is a file of client_python. Each block of 500 files has a seed of its own, so that a finding is had again with
 * `npm run fuzz 5000 <its seed>`, which starts with this block.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emptyReport, fuzzReader, type FuzzedKind, type FuzzReport } from './reader-fuzz.js';

const [files = 100_000, seed = Date.now() % 2 ** 31] = process.argv.slice(2).map(Number);
const BLOCK_FILES = 500;
const REPORT_EVERY_MS = 60_000;
/** Files in memory: a file system on a disk takes longer than the reader. */
const PARENT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

const reports = { node: emptyReport(), python: emptyReport() };

/** Every tenth block, by its seed. */
function kindOf(blockSeed: number): FuzzedKind {
  return blockSeed % 10 === 0 ? 'python' : 'node';
}

function worstOf(costs: readonly Pick<FuzzReport, 'mostBytes' | 'mostSeconds'>[]): string {
  const most = (values: readonly number[]): number => values.reduce((one, other) => Math.max(one, other), 0);
  const bytes = most(costs.map(({ mostBytes }) => mostBytes));
  const seconds = most(costs.map(({ mostSeconds }) => mostSeconds));
  return `the costliest scrapes took ${(bytes / 1024 / 1024).toFixed(1)} MiB over their file, and ${seconds.toFixed(3)} s`;
}

function print(): void {
  for (const [kind, { damages, reasons, mostBytes, mostSeconds }] of Object.entries(reports)) {
    const read = [...damages.values()].reduce((sum, damage) => sum + damage.files, 0);
    console.log(`\n${read} damaged files of ${kind}`);
    for (const [name, damage] of damages) {
      console.log(`a file that ${name}: ${damage.files}, ${damage.skipped} skipped`);
    }
    for (const [reason, count] of reasons) console.log(`skipped as ${reason}: ${count}`);
    console.log(worstOf([{ mostBytes, mostSeconds }]));
  }
}

// one notice for each kind of damage is enough
console.warn = () => {};
console.log(`${files} damaged files, seed ${seed}`);
let reportedMs = performance.now();
try {
  for (let done = 0, blockSeed = seed; done < files; done += BLOCK_FILES, blockSeed++) {
    const dir = mkdtempSync(join(PARENT, 'prom-multiproc-fuzz-'));
    const kind = kindOf(blockSeed);
    try {
      fuzzReader(dir, kind, Math.min(BLOCK_FILES, files - done), blockSeed, reports[kind]);
    } finally {
      rmSync(dir, { recursive: true });
    }
    if (performance.now() - reportedMs < REPORT_EVERY_MS) continue;
    reportedMs = performance.now();
    console.log(`${done + BLOCK_FILES} of ${files}; ${worstOf(Object.values(reports))}`);
  }
} finally {
  print();
}
