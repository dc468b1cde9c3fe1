/**
 * The bins of native histograms, as Prometheus defines them: bounds grow by the factor 2^(2^-schema), and upper bounds are
 * inclusive, so that an exact power of two is in the bin below it. Negative values have bins of the same bounds.
 *
 * A bin has a number: bin b of a schema is (f^b, f^(b+1)], where f is the factor. Prometheus counts from 1 and calls it b + 1.
 * In a store, bins are in chunks, which are allocated when the first value falls into them. A chunk above schema 0 has at
 * least 16 bins (two octaves at schema 3) and at least one octave; any other chunk has 64.
 */
import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import { LITTLE_ENDIAN } from './byte-order.js';

/** Prometheus accepts no other schemas: 9 made its query API panic (tested with 3.5.3). */
export const MIN_SCHEMA = -4;
export const MAX_SCHEMA = 8;
/** The schema of the bins that a series gets when it has MAX_FINE_CHUNKS. */
export const COARSE_SCHEMA = 0;
/**
 * Without this limit values of all magnitudes take 268 KB per series at schema 3, and 8.6 MB at schema 8. With it a series
 * takes 37 KB and 83 KB at most.
 */
export const MAX_FINE_CHUNKS = 24;

/** A zero threshold of 0 is the smallest number above 0: an empty histogram needs a threshold above 0 to be native. */
const MIN_THRESHOLD = Number.MIN_VALUE;
const MAX_THRESHOLD = 2 ** 1023;
const DEFAULT_THRESHOLD = 2 ** -128;
const DEFAULT_MAX_BUCKETS = 160;

/** The part of a declaration that makes a histogram native. */
export interface NativeOptions {
  readonly schema: number;
  /** A power of two. Values up to this magnitude are in the zero bucket. */
  readonly zeroThreshold: number;
  /** Series with more buckets are shown with a lower resolution; 0: no limit. */
  readonly maxBuckets: number;
}

/** The options of client_golang and of prom-client's successor. */
export interface NativeConfiguration {
  readonly nativeHistogramBucketFactor?: number;
  readonly nativeHistogramZeroThreshold?: number;
  readonly nativeHistogramMaxBucketNumber?: number;
}

/** Undefined where the configuration asks for no native histogram. @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
export function nativeOptions(config: NativeConfiguration): NativeOptions | undefined {
  const { nativeHistogramBucketFactor: factor } = config;
  const { nativeHistogramZeroThreshold: threshold, nativeHistogramMaxBucketNumber: maxBuckets } = config;
  if (factor === undefined) {
    for (const option of ['nativeHistogramZeroThreshold', 'nativeHistogramMaxBucketNumber'] as const) {
      if (config[option] === undefined) continue;
      throw invalidArgument(`${option} has no effect without nativeHistogramBucketFactor: add it, such as 1.1`);
    }
    return undefined;
  }
  if (!(typeof factor === 'number' && Number.isFinite(factor) && factor > 1)) {
    throw invalidArgument(
      `nativeHistogramBucketFactor is a number above 1, not ${inspect(factor)}: with 1.1 no bucket is wider than 10 %`,
    );
  }
  if (threshold !== undefined && !(typeof threshold === 'number' && threshold >= 0 && threshold <= MAX_THRESHOLD)) {
    throw invalidArgument(
      `nativeHistogramZeroThreshold is a finite number from 0 up, not ${inspect(threshold)}: values up to it count as zero`,
    );
  }
  if (maxBuckets !== undefined && !(Number.isSafeInteger(maxBuckets) && maxBuckets >= 0)) {
    throw invalidArgument(
      `nativeHistogramMaxBucketNumber is a whole number from 1 up, or 0 for no limit, not ${inspect(maxBuckets)}`,
    );
  }
  return {
    schema: schemaOf(factor),
    zeroThreshold: powerOfTwoFrom(threshold ?? DEFAULT_THRESHOLD),
    maxBuckets: maxBuckets ?? DEFAULT_MAX_BUCKETS,
  };
}

/** Whether bytes that anybody may have written are the options of a native histogram. */
export function isNativeOptions(value: unknown): value is NativeOptions {
  if (typeof value !== 'object' || value === null) return false;
  const { schema, zeroThreshold, maxBuckets } = value as Record<string, unknown>;
  return (
    isSchema(schema) &&
    typeof zeroThreshold === 'number' &&
    zeroThreshold >= MIN_THRESHOLD &&
    zeroThreshold <= MAX_THRESHOLD &&
    powerOfTwoFrom(zeroThreshold) === zeroThreshold &&
    Number.isSafeInteger(maxBuckets) &&
    (maxBuckets as number) >= 0
  );
}

export function isSchema(schema: unknown): schema is number {
  return Number.isInteger(schema) && (schema as number) >= MIN_SCHEMA && (schema as number) <= MAX_SCHEMA;
}

/** The options that hold where declarations differ: resolution is only ever lost. */
export function lowestOptions(all: readonly NativeOptions[]): NativeOptions | undefined {
  if (all.length === 0) return undefined;
  const budgets = all.flatMap(({ maxBuckets }) => (maxBuckets > 0 ? maxBuckets : []));
  return {
    schema: Math.min(...all.map(({ schema }) => schema)),
    zeroThreshold: Math.max(...all.map(({ zeroThreshold }) => zeroThreshold)),
    maxBuckets: budgets.length === 0 ? 0 : Math.min(...budgets),
  };
}

/** Returns the lowest schema whose buckets grow by no more than a factor, or the highest one if none is that fine. */
function schemaOf(factor: number): number {
  const schema = 0 - Math.floor(Math.log2(Math.log2(factor)));
  return Math.min(MAX_SCHEMA, Math.max(MIN_SCHEMA, schema));
}

function powerOfTwoFrom(value: number): number {
  if (value <= MIN_THRESHOLD) return MIN_THRESHOLD;
  const exponent = exponentOf(value);
  return exponentOf(2 ** exponent) === exponent && 2 ** exponent === value ? value : 2 ** (exponent + 1);
}

/** Returns the upper half of a float64 as an integer, which ascends with magnitudes; at least that of subnormal numbers. */
export function highWordOf(magnitude: number): number {
  FLOAT[0] = magnitude;
  return Math.max(WORDS[HIGH_WORD], FRACTION);
}

/** Returns e where 2^e <= value < 2^(e + 1), for a value above 0. */
export function exponentOf(value: number): number {
  FLOAT[0] = value;
  const exponent = (WORDS[HIGH_WORD] & EXPONENT) >>> FRACTION_BITS;
  return exponent === 0 ? exponentOf(value * 2 ** SUBNORMAL_SHIFT) - SUBNORMAL_SHIFT : exponent - EXPONENT_BIAS;
}

/** Base 2 logarithm of the number of bins in a chunk. */
export function chunkBits(schema: number): number {
  return schema > 0 ? Math.max(schema, 4) : 6;
}

/** Slots of a chunk: one per bin; the zero bucket is one slot. */
export function nativeSlots({ sign, schema }: { readonly sign: number; readonly schema: number }): number {
  return sign === 0 ? 1 : 1 << chunkBits(schema);
}

/** Returns the place at COARSE_SCHEMA of a bin of a chunk with a higher schema. */
export function coarsePlace(
  { schema, chunk }: { readonly schema: number; readonly chunk: number },
  bin: number,
): { readonly chunk: number; readonly slot: number } {
  const coarse = ((chunk << chunkBits(schema)) + bin) >> (schema - COARSE_SCHEMA);
  const bits = chunkBits(COARSE_SCHEMA);
  return { chunk: coarse >> bits, slot: coarse & ((1 << bits) - 1) };
}

/** Whether a chunk of this number holds bins of some finite float64. */
export function isChunk(schema: number, chunk: unknown): chunk is number {
  const [first, last] = CHUNKS[schema - MIN_SCHEMA];
  return Number.isInteger(chunk) && (chunk as number) >= first && (chunk as number) <= last;
}

/** Returns the bin of the values just above 2^exponent. */
function firstBin(exponent: number, schema: number): number {
  return schema > 0 ? exponent << schema : exponent >> -schema;
}

/** Returns the inclusive upper bound of a bin; the largest float64 where it is no float64. */
export function upperBound(schema: number, bin: number): number {
  const end = bin + 1;
  const value =
    schema > 0 ? 2 ** (end >> schema) * 2 ** ((end & ((1 << schema) - 1)) / (1 << schema)) : 2 ** (end << -schema);
  return Math.min(value, Number.MAX_VALUE);
}

/** The exponents of float64 go from -1074 to 1023. */
const LOWEST_EXPONENT = -1074;
const EXPONENT_BIAS = 1023;
const FRACTION_BITS = 20;
const FRACTION = (1 << FRACTION_BITS) - 1;
const EXPONENT = 0x7ff << FRACTION_BITS;
/** A subnormal number times 2^SUBNORMAL_SHIFT is a normal one. */
const SUBNORMAL_SHIFT = 54;

/** The first and the last chunk of each schema. */
const CHUNKS = Array.from({ length: MAX_SCHEMA - MIN_SCHEMA + 1 }, (_, at) => {
  const schema = MIN_SCHEMA + at;
  const highest = firstBin(EXPONENT_BIAS, schema) + (1 << Math.max(schema, 0)) - 1;
  return [firstBin(LOWEST_EXPONENT - 1, schema) >> chunkBits(schema), highest >> chunkBits(schema)] as const;
});

const FLOAT = new Float64Array(1);
const WORDS = new Int32Array(FLOAT.buffer);
const HIGH_WORD = LITTLE_ENDIAN ? 1 : 0;
const LOW_WORD = 1 - HIGH_WORD;

/** Cells without a bound inside are a branch that a processor foresees: more of them saved 1 ns of an `observe()`. */
const CELL_BITS = 7;
/** Bits of a bin within its octave. */
const BIN_BITS = 8;
const BIN_MASK = (1 << BIN_BITS) - 1;

/** `Bins.findWithin` returns this number where it finds no bin. */
export const UNUSUAL = -0x8000_0000;

/**
 * Finds the bins of one schema. [1, 2) is divided into equal cells, each narrower than any bin. Math.log2 would take 12 ns, and
 * be wrong beside bounds.
 */
export class Bins {
  // with an initial value of the final type V8 knows the type of a field, and does not check it at every use
  readonly schema: number = 0;
  readonly chunkBits: number = 0;
  readonly chunkMask: number = 0;
  readonly #cellShift: number = 0;
  /** Bins per octave, and octaves per bin, as shifts. */
  readonly #up: number = 0;
  readonly #down: number = 0;
  /** Per cell: the high word of the fraction of the upper bound of the bin at its start, and in the lowest bits that bin. */
  readonly #cells = new Int32Array(0);
  readonly #boundLow = new Uint32Array(0);

  private constructor(schema: number) {
    this.schema = schema;
    this.chunkBits = chunkBits(schema);
    this.chunkMask = (1 << this.chunkBits) - 1;
    this.#up = Math.max(schema, 0);
    this.#down = Math.max(-schema, 0);
    const bits = Math.max(schema + 1, CELL_BITS);
    const cells = 1 << bits;
    this.#cellShift = FRACTION_BITS - bits;
    this.#cells = new Int32Array(cells);
    this.#boundLow = new Uint32Array(cells);
    const perOctave = 1 << this.#up;
    for (let bin = 0, cell = 0; cell < cells; cell++) {
      while (2 ** ((bin + 1) / perOctave) <= 1 + cell / cells) bin++;
      FLOAT[0] = 2 ** ((bin + 1) / perOctave);
      // the end of the octave is the start of the next one, which no fraction reaches
      const bound = FLOAT[0] < 2 ? WORDS[HIGH_WORD] & FRACTION : FRACTION + 1;
      this.#cells[cell] = (bound << BIN_BITS) | bin;
      this.#boundLow[cell] = WORDS[LOW_WORD];
    }
  }

  static readonly #ofSchemas: Bins[] = [];

  static of(schema: number): Bins {
    return (Bins.#ofSchemas[schema - MIN_SCHEMA] ??= new Bins(schema));
  }

  /** Returns the bin of a finite magnitude above 0. */
  find(magnitude: number): number {
    const bin = this.findWithin(magnitude, FRACTION, EXPONENT);
    return bin === UNUSUAL ? this.#findUnusual(magnitude) : bin;
  }

  /**
   * Returns the bin of a value whose high word is above `floor` and below `ceiling`; UNUSUAL for any other value, and for the few
   * values of which the low word decides. `floor` is at least FRACTION, which is the highest one of subnormal numbers.
   */
  findWithin(value: number, floor: number, ceiling: number): number {
    FLOAT[0] = value;
    const high = WORDS[HIGH_WORD];
    const fraction = high & FRACTION;
    const cell = this.#cells[fraction >> this.#cellShift];
    const bound = cell >> BIN_BITS;
    if (high <= floor || high >= ceiling || fraction === 0 || fraction === bound) return UNUSUAL;
    const octave = (high >>> FRACTION_BITS) - EXPONENT_BIAS;
    // 1 above the bound: processors do not foresee a branch
    const above = (bound - fraction) >>> 31;
    return ((((octave << this.#up) + (cell & BIN_MASK)) | 0) + above) >> this.#down;
  }

  #findUnusual(magnitude: number): number {
    FLOAT[0] = magnitude;
    const high = WORDS[HIGH_WORD];
    const low = WORDS[LOW_WORD] >>> 0;
    if (high <= FRACTION) return this.#findSubnormal(magnitude);
    const fraction = high & FRACTION;
    const octave = (high >>> FRACTION_BITS) - EXPONENT_BIAS;
    const at = fraction >> this.#cellShift;
    const cell = this.#cells[at];
    let bin = (octave << this.#up) + (cell & BIN_MASK);
    if (fraction === 0 && low === 0) bin--;
    else if (fraction === cell >> BIN_BITS && low > this.#boundLow[at]) bin++;
    return bin >> this.#down;
  }

  #findSubnormal(magnitude: number): number {
    const { schema } = this;
    if (schema > 0) return this.find(magnitude * 2 ** SUBNORMAL_SHIFT) - (SUBNORMAL_SHIFT << schema);
    const exponent = exponentOf(magnitude);
    return (exponent - Number(2 ** exponent === magnitude)) >> -schema;
  }
}
