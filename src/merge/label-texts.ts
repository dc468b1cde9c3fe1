import { decodeKey } from '../metrics-file/record.js';
import { widened } from '../model/widened.js';
import type { KeyTable } from './key-table.js';
import type { MergedFamily } from './merged-family.js';
import type { Schema } from './schema.js';

const NO_ENTRY = 0;
/** Their texts are made and sorted in about a millisecond. */
const SERIES_PER_STEP = 1024;
const SEARCHES_PER_STEP = 64;

interface SeriesText {
  readonly number: number;
  readonly text: string;
}

/**
 * The labels of the merged series as an exposition prints them, without braces. A text is made from the key of the series
 * whenever it is needed: as strings the texts of a million series took 80 MB.
 */
export class LabelTexts {
  readonly #keys: KeyTable;
  readonly #schemas: readonly Schema[];
  /** By series: entry + 1 in the table of keys. */
  #entries = new Int32Array(1024);
  /** Texts that do not follow from a key. */
  readonly #given = new Map<number, string>();
  /** The last text that `write` has made, in ASCII. */
  bytes: Buffer = Buffer.alloc(256);
  #before: Buffer = Buffer.alloc(256);

  constructor(keys: KeyTable, schemas: readonly Schema[]) {
    this.#keys = keys;
    this.#schemas = schemas;
  }

  /** The text of the series follows from the key of an entry, unless it is set. */
  follow(series: number, entry: number): void {
    while (series >= this.#entries.length) this.#entries = widened(this.#entries);
    this.#entries[series] = entry + 1;
  }

  set(series: number, text: string): void {
    this.#given.set(series, text);
  }

  of(series: number): string {
    const length = this.write(series);
    if (length >= 0) return this.bytes.toString('latin1', 0, length);
    const given = this.#given.get(series);
    if (given !== undefined) return given;
    const entry = this.#entries[series] - 1;
    const schema = this.#schemas[this.#keys.schemaOf(entry)];
    const start = this.#keys.startOf(entry);
    const key = this.#keys.bytes.subarray(start, start + this.#keys.lengthOf(entry));
    return schema.text(decodeKey(key));
  }

  /** Writes the text of a series to `bytes`. Returns its length, or -1 where it has to be made as a string. */
  write(series: number): number {
    const entry = this.#entries[series] ?? NO_ENTRY;
    if (entry === NO_ENTRY || (this.#given.size > 0 && this.#given.has(series))) return -1;
    const schema = this.#schemas[this.#keys.schemaOf(entry - 1)];
    return this.writeOf(schema, this.#keys.bytes, this.#keys.startOf(entry - 1), this.#keys.lengthOf(entry - 1));
  }

  /** The same of the key at `start`. */
  writeOf(schema: Schema, keys: Uint8Array, start: number, length: number): number {
    const room = schema.textRoom(length);
    if (room > this.bytes.length) this.bytes = Buffer.alloc(2 * room);
    return schema.writeText(keys, start, start + length, this.bytes);
  }

  /** Puts the series of a family into the order of their texts. Pauses after some of them. */
  *putInOrder(family: MergedFamily): Generator<void, void> {
    const { series } = family;
    const sorted = yield* this.#sortedUpTo(series, family.sorted);
    if (sorted < series.length) {
      // where most are sorted already, the others are put between them: a text is made whenever two series are compared
      const isMixed = series.length - sorted > sorted / 32;
      const rest = yield* this.#inOrder(isMixed ? series : series.slice(sorted));
      const ordered = isMixed ? rest.map(({ number }) => number) : yield* this.#between(series.slice(0, sorted), rest);
      ordered.forEach((number, at) => (series[at] = number));
    }
    family.sorted = series.length;
  }

  /** Sorts runs of series, and merges two of them at a time. */
  *#inOrder(series: readonly number[]): Generator<void, SeriesText[]> {
    let runs: SeriesText[][] = [];
    for (let from = 0; from < series.length; from += SERIES_PER_STEP) {
      const run = series.slice(from, from + SERIES_PER_STEP).map((number) => ({ number, text: this.of(number) }));
      runs.push(run.toSorted((a, b) => (a.text < b.text ? -1 : 1)));
      yield;
    }
    while (runs.length > 1) {
      const longer: SeriesText[][] = [];
      for (let at = 0; at < runs.length; at += 2) {
        longer.push(at + 1 < runs.length ? yield* merged(runs[at], runs[at + 1]) : runs[at]);
      }
      runs = longer;
    }
    return runs[0];
  }

  /** Puts series between others. All are in order. */
  *#between(before: readonly number[], rest: readonly SeriesText[]): Generator<void, number[]> {
    const ordered: number[] = [];
    let taken = 0;
    for (const [at, { number, text }] of rest.entries()) {
      const end = this.#placeOf(text, before, taken);
      while (taken < end) ordered.push(before[taken++]);
      ordered.push(number);
      if (at % SEARCHES_PER_STEP === SEARCHES_PER_STEP - 1) yield;
    }
    while (taken < before.length) ordered.push(before[taken++]);
    return ordered;
  }

  /** The number of series from the first one on that are in order. @param known that many are */
  *#sortedUpTo(series: readonly number[], known: number): Generator<void, number> {
    let at = Math.max(known, 1);
    if (at >= series.length) return series.length;
    let before = this.write(series[at - 1]);
    for (; at < series.length; at++) {
      if (at % SERIES_PER_STEP === 0) yield;
      [this.bytes, this.#before] = [this.#before, this.bytes];
      const length = this.write(series[at]);
      const areBytes = before >= 0 && length >= 0;
      const isAscending = areBytes
        ? isBefore(this.#before, before, this.bytes, length)
        : this.of(series[at - 1]) < this.of(series[at]);
      if (!isAscending) return at;
      before = areBytes ? length : this.write(series[at]);
    }
    return at;
  }

  /** The first place in `series` with a text that is not before this one. */
  #placeOf(text: string, series: readonly number[], from: number): number {
    let [low, high] = [from, series.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.of(series[middle]) < text) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Merges two runs. With the inner loop in the generator, 100,000 series took 73 ms instead of 63. */
function* merged(a: readonly SeriesText[], b: readonly SeriesText[]): Generator<void, SeriesText[]> {
  const all: SeriesText[] = [];
  for (let fromA = 0; all.length < a.length + b.length;) {
    fromA = mergeStep(a, fromA, b, all);
    yield;
  }
  return all;
}

/** Adds the next elements of two runs, the first from `fromA` on. @returns where the next step begins in the first run */
function mergeStep(a: readonly SeriesText[], fromA: number, b: readonly SeriesText[], all: SeriesText[]): number {
  let [nextA, nextB] = [fromA, all.length - fromA];
  const end = Math.min(all.length + 4 * SERIES_PER_STEP, a.length + b.length);
  while (all.length < end) {
    const isFirst = nextB === b.length || (nextA < a.length && a[nextA].text < b[nextB].text);
    all.push(isFirst ? a[nextA++] : b[nextB++]);
  }
  return nextA;
}

/** Whether one text is before the other; neither is the same. */
function isBefore(a: Uint8Array, aLength: number, b: Uint8Array, bLength: number): boolean {
  const end = Math.min(aLength, bLength);
  for (let at = 0; at < end; at++) if (a[at] !== b[at]) return a[at] < b[at];
  return aLength < bLength;
}
