/**
 * Quantiles that can be merged. Values are counted in bins whose bounds grow by a constant factor. Adding the bins of two
 * processes gives the bins of both together, and the middle of a bin is within ACCURACY of every value in it. After DDSketch
 * (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019).
 *
 * t-digests, which prom-client uses, merge too, but only approximately and not by adding float64 slots.
 *
 * Chunk c holds the magnitudes in [2^c, 2^(c+1)), divided into 35 bins of equal ratio. Negative values have chunks of their
 * own, and zero has one. Memory is allocated per chunk: a summary of latencies between 1 ms and 10 s takes 14 chunks, or 4
 * KiB. Since the chunks follow powers of two, the place of a value is read from its bits in 4 ns; Math.log alone took 12 ns,
 * a third of an `observe()`.
 */
import { LITTLE_ENDIAN } from './byte-order.js';

/** Maximum relative error of a quantile, for values that are not below the smallest normal float64, 2.2e-308. */
export const ACCURACY = 0.01;
export const BINS_PER_CHUNK = 35;
/** Maximum number of windows of a summary with sliding quantiles. Each window takes 36 slots in every chunk. */
export const MAX_WINDOWS = 1024;

const RATIO = 2 ** (1 / BINS_PER_CHUNK);
/** The middle of a bin by relative error, as a multiple of its lower bound: it differs by 0.99 % from either end. */
const MIDDLE = (2 * RATIO) / (RATIO + 1);

/** The bits of a place that hold the number of the bin within its chunk. */
export const BIN_BITS = 6;
export const BIN_MASK = (1 << BIN_BITS) - 1;

const FLOAT = new Float64Array(1);
const WORDS = new Int32Array(FLOAT.buffer);
/** The index of the word with the exponent depends on the byte order of the machine. */
const HIGH_WORD = LITTLE_ENDIAN ? 1 : 0;
const FRACTION_BITS = 20;
const FRACTION = (1 << FRACTION_BITS) - 1;
const EXPONENT = 0x7ff << FRACTION_BITS;
const EXPONENT_BIAS = 1023;

/** [1, 2) has 64 equal cells, each narrower than any bin. Per cell: the bin at its start, and where the next bin starts. */
const CELLS = 64;
const BITS_BELOW_CELL = FRACTION_BITS - Math.log2(CELLS);
const FIRST_BIN = new Uint8Array(CELLS);
const NEXT_BEGIN = new Int32Array(CELLS);
for (let bin = 0, cell = 0; cell < CELLS; cell++) {
  while (beginOf(bin + 1) <= cell << BITS_BELOW_CELL) bin++;
  FIRST_BIN[cell] = bin;
  NEXT_BEGIN[cell] = beginOf(bin + 1);
}

/** Returns the start of a bin within its chunk: the first 20 bits of a float64's fraction. */
function beginOf(bin: number): number {
  return Math.ceil((RATIO ** bin - 1) * 2 ** FRACTION_BITS);
}

/** -1 for negative values, 0 for zero, 1 for positive ones. */
export type Sign = -1 | 0 | 1;

/** Returns the place of the magnitude of a finite value other than zero: its chunk, and in the lowest BIN_BITS its bin. */
export function placeOf(value: number): number {
  FLOAT[0] = value;
  const high = WORDS[HIGH_WORD];
  const cell = (high >> BITS_BELOW_CELL) & (CELLS - 1);
  const bin = (high & FRACTION) >= NEXT_BEGIN[cell] ? FIRST_BIN[cell] + 1 : FIRST_BIN[cell];
  return (((high & EXPONENT) >> (FRACTION_BITS - BIN_BITS)) | bin) - (EXPONENT_BIAS << BIN_BITS);
}

/** Returns the magnitude that represents all values of a bin. */
export function magnitudeOf(chunk: number, bin: number): number {
  return Math.min(2 ** chunk * RATIO ** bin * MIDDLE, Number.MAX_VALUE);
}

/** The bins of one series, the sum of all chunks that were added. */
export class Sketch {
  /** The chunks by number, per sign: index 0 for -1, 1 for 0, 2 for 1. */
  readonly #chunks: readonly Map<number, Float64Array>[] = [new Map(), new Map(), new Map()];

  /** Returns the bins of a chunk, which start at zero; the caller adds counts to them. */
  chunk(sign: Sign, number: number): Float64Array {
    const chunks = this.#chunks[sign + 1];
    let bins = chunks.get(number);
    if (bins === undefined) {
      bins = new Float64Array(BINS_PER_CHUNK);
      chunks.set(number, bins);
    }
    return bins;
  }

  include(other: Sketch): void {
    for (const sign of [-1, 0, 1] as const) {
      for (const [number, counts] of other.#chunks[sign + 1]) {
        const bins = this.chunk(sign, number);
        for (let bin = 0; bin < BINS_PER_CHUNK; bin++) bins[bin] += counts[bin];
      }
    }
  }

  /** Sets all bins to zero and keeps the chunks for the next use. */
  clear(): void {
    for (const chunks of this.#chunks) for (const bins of chunks.values()) bins.fill(0);
  }

  /**
   * Returns, for each share in [0, 1], the value that this share of all values is below; undefined where no value was
   * counted.
   *
   * @param mean the mean of the values, where the caller knows it. If all values are in one bin, the mean is closer to them
   * than the middle of the bin: a summary of equal values shows exactly that value and not one that is 1 % off.
   */
  quantiles(shares: readonly number[], mean?: number): (number | undefined)[] {
    const values: number[] = [];
    const upTo: number[] = [];
    let total = 0;
    this.#ascending((value, count) => {
      total += count;
      values.push(value);
      upTo.push(total);
    });
    if (values.length === 1 && mean !== undefined && standsFor(values[0], mean)) values[0] = mean;
    return shares.map((share) => {
      if (total === 0) return undefined;
      const rank = share * (total - 1);
      return values[upTo.findIndex((count) => count > rank)] ?? values[values.length - 1];
    });
  }

  #ascending(visit: (value: number, count: number) => void): void {
    const [negative, zero, positive] = this.#chunks;
    for (const number of [...negative.keys()].toSorted((a, b) => b - a)) {
      const bins = negative.get(number)!;
      for (let at = BINS_PER_CHUNK - 1; at >= 0; at--) {
        if (bins[at] > 0) visit(-magnitudeOf(number, at), bins[at]);
      }
    }
    const zeros = zero.get(0)?.[0] ?? 0;
    if (zeros > 0) visit(0, zeros);
    for (const number of [...positive.keys()].toSorted((a, b) => a - b)) {
      const bins = positive.get(number)!;
      for (let at = 0; at < BINS_PER_CHUNK; at++) {
        if (bins[at] > 0) visit(magnitudeOf(number, at), bins[at]);
      }
    }
  }
}

/** Whether the middle of a bin represents a value; the factor 1.001 allows for rounding of a mean. */
function standsFor(middle: number, value: number): boolean {
  return Math.abs(middle - value) <= 1.001 * ACCURACY * Math.abs(value);
}

/**
 * The number of the window that a time is in; 1 where `windowSeconds` is 0, which is one window for ever. It depends only on
 * the clock, so that the windows of all processes line up.
 */
export function windowEpoch(seconds: number, windowSeconds: number): number {
  return windowSeconds > 0 ? Math.floor(seconds / windowSeconds) + 1 : 1;
}

/** Whether a window of `windows` still counts in the window `current`. A writer's clock may be ahead by one window. */
export function isWindowAlive(epoch: number, current: number, windows: number): boolean {
  return epoch > current - windows && epoch <= current + 1;
}
