/**
 * Quantiles that merge: values are counted in bins whose bounds grow by a constant factor, so that adding the bins of two
 * processes gives the bins of both together, and a bin's middle is within ACCURACY of every value in it. After DDSketch
 * (Masson, Rim, Lee: "DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019).
 *
 * t-digests, which prom-client uses, merge too, but only approximately and not by adding float64 slots.
 *
 * Bin i of the positive values is (GROWTH^(i-1), GROWTH^i]; negative values have bins of their own, by magnitude, and zero
 * one. 32 bins in a row are a chunk: chunk c has the bins [32 c, 32 c + 32). A chunk is what gets allocated, so that a
 * summary of latencies between 1 ms and 10 s takes 15 chunks, or 4 KiB.
 */

/** Largest relative error of a quantile. */
export const ACCURACY = 0.01;
export const BINS_PER_CHUNK = 32;

const GROWTH = (1 + ACCURACY) / (1 - ACCURACY);
const LOG_GROWTH = Math.log(GROWTH);
const BINS_PER_E = 1 / LOG_GROWTH;
/** The middle of a bin by relative error: 2 b / (GROWTH + 1), where b is the upper bound. */
const MIDDLE = Math.log(2 / (GROWTH + 1));

/** -1 for negative values, 0 for zero, 1 for positive ones. */
export type Sign = -1 | 0 | 1;

/** The bin of a finite value's magnitude; 0 for zero. */
export function binOf(magnitude: number): number {
  return magnitude === 0 ? 0 : Math.ceil(Math.log(magnitude) * BINS_PER_E);
}

/** The magnitude that stands for all in a bin. */
export function magnitudeOf(bin: number): number {
  return Math.min(Math.exp(bin * LOG_GROWTH + MIDDLE), Number.MAX_VALUE);
}

/** Bins of one series, from as many chunks as were added. */
export class Sketch {
  /** Per sign (-1, 0, 1 at 0, 1, 2) the chunks by their numbers. */
  readonly #chunks: readonly Map<number, Float64Array>[] = [new Map(), new Map(), new Map()];

  /** The bins of a chunk, zero at first; the caller adds counts to them. */
  chunk(sign: Sign, number: number): Float64Array {
    const chunks = this.#chunks[sign + 1];
    let bins = chunks.get(number);
    if (bins === undefined) {
      bins = new Float64Array(BINS_PER_CHUNK);
      chunks.set(number, bins);
    }
    return bins;
  }

  /** Counts one finite value. */
  add(value: number): void {
    const bin = binOf(Math.abs(value));
    this.chunk(Math.sign(value) as Sign, bin >> 5)[bin & (BINS_PER_CHUNK - 1)]++;
  }

  /** Counts everything that another has counted. */
  include(other: Sketch): void {
    for (const sign of [-1, 0, 1] as const) {
      for (const [number, counts] of other.#chunks[sign + 1]) {
        const bins = this.chunk(sign, number);
        for (let bin = 0; bin < BINS_PER_CHUNK; bin++) bins[bin] += counts[bin];
      }
    }
  }

  /** All bins are zero; the chunks stay for the next use. */
  clear(): void {
    for (const chunks of this.#chunks) for (const bins of chunks.values()) bins.fill(0);
  }

  /** How many values were counted. */
  get count(): number {
    let count = 0;
    for (const chunks of this.#chunks) for (const bins of chunks.values()) for (const inBin of bins) count += inBin;
    return count;
  }

  /**
   * The value below which a share of all values lies, for each share in [0, 1]; undefined where nothing was counted.
   *
   * @param mean of the values, where the caller knows it. If all values are in one bin, the mean is closer to them than
   * the bin's middle: a summary of equal values shows that value and not one 1 % beside it.
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
        if (bins[at] > 0) visit(-magnitudeOf(number * BINS_PER_CHUNK + at), bins[at]);
      }
    }
    const zeros = zero.get(0)?.[0] ?? 0;
    if (zeros > 0) visit(0, zeros);
    for (const number of [...positive.keys()].toSorted((a, b) => a - b)) {
      const bins = positive.get(number)!;
      for (let at = 0; at < BINS_PER_CHUNK; at++) {
        if (bins[at] > 0) visit(magnitudeOf(number * BINS_PER_CHUNK + at), bins[at]);
      }
    }
  }
}

/** Whether a bin's middle stands for a value; with a little room for a mean's rounding. */
function standsFor(middle: number, value: number): boolean {
  return Math.abs(middle - value) <= 1.001 * ACCURACY * Math.abs(value);
}
