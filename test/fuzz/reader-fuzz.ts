/**
 * Damaged files in a directory beside whole ones, collected and rendered. Whatever the damage: nothing is thrown, the text
 * parses, no series is in it twice; a file that is skipped has left no trace; the metrics that only whole files have are
 * always right.
 */
import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getHeapStatistics } from 'node:v8';
import { Reading } from '../support/reading.js';
import { assertNoDuplicateSeries } from '../support/exposition-parser.js';
import { Random } from './random.js';
import { nodeVictim, pythonVictims, writeGoodFiles } from './victims.js';

export type FuzzedKind = 'node' | 'python';

export interface FuzzReport {
  /** How often each damage was read, and how often it led to the file's being skipped. */
  readonly damages: Map<string, { files: number; skipped: number }>;
  /** How often a file was skipped, by the reason that is counted. */
  readonly reasons: Map<string, number>;
  /** Most bytes of memory, in arrays and objects, by which one scrape exceeded the bytes of its damaged file. */
  mostBytes: number;
  /** Most seconds of the processor that one scrape took. */
  mostSeconds: number;
}

export function emptyReport(): FuzzReport {
  return { damages: new Map(), reasons: new Map(), mostBytes: 0, mostSeconds: 0 };
}

/** What no scrape may cost, whatever the file: the bytes are beside those of the file. */
const MAX_SECONDS = 2;
const MAX_BYTES = 256 * 1024 * 1024;

/**
 * Reads that many damaged files in `dir`, which is empty, and adds to a report.
 *
 * A file is damaged after it was read whole or damaged otherwise (half of them), is new to a collector that knows the other
 * files, or is found by a new collector (1 in 20, for a collector costs more than the damage).
 */
export function fuzzReader(
  dir: string,
  kind: FuzzedKind,
  files: number,
  seed: number,
  report: FuzzReport = emptyReport(),
): FuzzReport {
  const random = new Random(seed);
  const victims = kind === 'node' ? [nodeVictim(dir)] : pythonVictims();
  const good = writeGoodFiles(dir);
  let reading = newReading(dir);
  const expected = reading.text('openmetrics');
  const own = linesOf(expected);
  assert.ok(own.split('\n').length > 10);
  const checked = new Set<string>();
  let victim = random.of(victims);
  for (let file = 0; file < files; file++) {
    const way = random.next();
    if (way < 0.75) {
      rmSync(join(dir, victim.name), { force: true });
      victim = random.of(victims);
      if (way < 0.05) {
        reading.close();
        reading = newReading(dir);
      } else if (way < 0.5) {
        reading.collect();
      } else {
        writeFileSync(join(dir, victim.name), victim.whole);
        reading.text('openmetrics');
      }
    }
    const { name, bytes } = victim.damage(random);
    try {
      writeFileSync(join(dir, victim.name), bytes);
      const text = scrape(reading, bytes.length, report);
      // the parser costs more than the reader
      if (!checked.has(text)) assertNoDuplicateSeries(text);
      checked.add(text);
      assert.equal(linesOf(text), own);
      const [reason] = Object.entries(reading.stats.skipped).flatMap(([each, skips]) => (skips > 0 ? [each] : []));
      count(report, name, reason);
      if (reason !== undefined) assert.equal(text, expected);
    } catch (error) {
      throw new Error(`seed ${seed}, file ${file}, ${victim.name}: ${name}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
  reading.close();
  for (const { writer } of good) writer.close();
  return report;
}

function newReading(dir: string): Reading {
  return new Reading(dir, { created: true });
}

/** The text of a scrape whose costs are within bounds. */
function scrape(reading: Reading, fileBytes: number, report: FuzzReport): string {
  const before = memoryBytes();
  const cpu = process.cpuUsage();
  const text = reading.text('openmetrics');
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (user + system) / 1e6;
  const bytes = memoryBytes() - before - fileBytes;
  report.mostSeconds = Math.max(report.mostSeconds, seconds);
  report.mostBytes = Math.max(report.mostBytes, bytes);
  assert.ok(seconds < MAX_SECONDS, `${seconds} s`);
  assert.ok(bytes < MAX_BYTES, `${bytes} bytes`);
  return text;
}

function memoryBytes(): number {
  const { used_heap_size: heapBytes, external_memory: arrayBytes } = getHeapStatistics();
  return heapBytes + arrayBytes;
}

/** Lines of the metrics that only whole files have. */
function linesOf(text: string): string {
  return text.match(/^good_.*$/gm)!.join('\n');
}

function count(report: FuzzReport, name: string, reason: string | undefined): void {
  const damage = report.damages.get(name) ?? { files: 0, skipped: 0 };
  damage.files++;
  report.damages.set(name, damage);
  if (reason === undefined) return;
  damage.skipped++;
  report.reasons.set(reason, (report.reasons.get(reason) ?? 0) + 1);
}
