/** Reads while another process writes; parallel-reading.test.ts uses it for seconds and `npm run soak` for longer. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { FileReader, type ReaderBlock } from '../../src/metrics-file/reader.js';
import { Reading } from '../support/reading.js';

/**
 * Reads that many values, and continues until they came from that many rounds of the writer; returns the number of values
 * with halves of two different ones.
 */
export async function countTorn(
  dir: string,
  { values, rounds }: { values: number; rounds: number },
): Promise<{ read: number; torn: number }> {
  const reader = new FileReader(onlyFile(dir));
  const visitor = { restart() {}, series() {}, other() {} };
  const distinct = new Set<number>();
  let read = 0;
  let torn = 0;
  while (read < values || distinct.size < rounds) {
    while (!reader.readLog(visitor));
    for (const block of valueBlocks(reader)) block.extent = block.capacity;
    reader.readValues();
    for (const block of valueBlocks(reader)) {
      const halves = new Uint32Array(block.values.buffer, 0, 2 * block.filled);
      for (let at = 0; at < halves.length; at += 2) if (halves[at] !== halves[at + 1]) torn++;
      read += block.filled;
      distinct.add(halves[0]);
    }
    await setImmediate();
  }
  reader.close();
  return { read, torn };
}

/**
 * Collects for that long and that often; returns the number of values with the correct name, and the values with a wrong
 * one.
 */
export async function findMisplaced(
  dir: string,
  { seconds, scrapes }: { seconds: number; scrapes: number },
): Promise<{ right: number; wrong: string[] }> {
  const untilMs = performance.now() + seconds * 1000;
  const reading = new Reading(dir);
  const wrong: string[] = [];
  let right = 0;
  for (let scrape = 0; performance.now() < untilMs || scrape < scrapes; scrape++) {
    for (const [name, value] of Object.entries(reading.values())) {
      const kind = Number(/kind="(\d+)"/.exec(name)?.[1]);
      // zero: created, and not counted yet
      if (value === kind || value === 0) right++;
      else wrong.push(`${name} ${value}`);
    }
    assert.deepEqual(
      Object.values(reading.stats.skipped).filter((count) => count > 0),
      [],
    );
    await setImmediate();
  }
  reading.close();
  return { right, wrong };
}

function onlyFile(dir: string): string {
  const name = readdirSync(dir).find((entry) => entry.endsWith('.prom-mp'));
  assert.ok(name !== undefined);
  return join(dir, name);
}

function valueBlocks(reader: FileReader): ReaderBlock[] {
  return Array.from({ length: reader.words.blockCount }, (_, number) => reader.block(number) ?? []).flat();
}
