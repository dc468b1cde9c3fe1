import type { NativeReading } from '../model/native-histogram.js';
import type { CountPlaces, NativeSink } from './format.js';
import { MAX_GAP, writeNative } from './native-fields.js';
import { WireBuffer, writeVarint } from './wire.js';

/** Differences that need more bytes do not fit in an integer of 32 bits. */
const MAX_WIDTH = 4;
/** By the width of a varint: the first signed number, and the first unsigned one, that is too large for it. */
const SIGNED_LIMITS = Array.from({ length: MAX_WIDTH + 1 }, (_, width) => 0x80 ** width / 2);
const LIMITS = Array.from({ length: 9 }, (_, width) => 0x80 ** width);
/** Before a histogram's zero count are its schema, its zero threshold and a tag: two bytes, nine, and one. */
const ZERO_COUNT_AT = 12;

/** The place of a histogram among the bytes of an exposition, and how to write it again. */
interface Part {
  at: number;
  length: number;
  /** Bytes per difference, and of the zero count; 0: they have no fixed width. */
  width: number;
  zeroWidth: number;
  /** Number of buckets that are not empty. */
  populated: number;
  /** The place of its zero count, and of the counts of its spans: where adjacent ones begin, and how many they are. */
  zero: number;
  runs: readonly number[];
  /** Where its new bytes are, if it has any; `start` is -1 otherwise. */
  start: number;
  end: number;
}

/**
 * The native histograms of an exposition, whose fields are the last ones in the bytes of their series. While a histogram has the
 * same buckets, its differences are overwritten in place: each has a fixed width, so that no other byte moves. A histogram with
 * other buckets, or with a difference that does not fit, is encoded again and replaces the bytes of the last render.
 */
export class NativeParts implements NativeSink {
  /** Those of the exposition, in the memory that it has now. */
  bytes: Buffer = Buffer.alloc(0);
  readonly #parts: Part[] = [];
  readonly #encoded = new WireBuffer();
  #next = 0;

  begin(): void {
    this.#next = 0;
  }

  keep(): boolean {
    if (this.#next >= this.#parts.length) return false;
    this.#next++;
    return true;
  }

  update(counts: Float64Array, total: number): boolean {
    const part = this.#parts[this.#next];
    if (part === undefined || part.width === 0) return false;
    const { width, zeroWidth, runs } = part;
    const { bytes } = this;
    let sum = counts[part.zero];
    if (sum >= LIMITS[zeroWidth]) return false;
    writeVarint(bytes, part.at + ZERO_COUNT_AT, sum, zeroWidth);
    let to = part.at + part.length - width * sizeOf(runs);
    let before = 0;
    let populated = 0;
    let all = 0;
    for (let run = 0; run < runs.length; run += 2) {
      const end = runs[run] + runs[run + 1];
      for (let cell = runs[run]; cell < end; cell++) {
        const count = counts[cell];
        sum += count;
        const now = count | 0;
        if (now !== count) return false;
        if (now > 0) populated++;
        const delta = (now - before) | 0;
        before = now;
        // as sint64 is encoded
        let bits = (delta << 1) ^ (delta >> 31);
        all |= bits;
        if (width === 2) bytes[to++] = bits | 0x80;
        else for (const last = to + width - 1; to < last; bits >>>= 7) bytes[to++] = bits | 0x80;
        bytes[to++] = width === 2 ? bits >>> 7 : bits;
      }
    }
    // where the sum is another one, a bucket outside of the spans is no longer empty
    if (sum !== total || populated !== part.populated || all >>> (7 * width) !== 0) return false;
    this.#next++;
    return true;
  }

  add(reading: NativeReading, places?: CountPlaces): void {
    const part = (this.#parts[this.#next++] ??= {
      ...{ at: 0, length: 0, width: 0, zeroWidth: 0, populated: 0, zero: 0, runs: [], start: -1, end: -1 },
    });
    part.width = places === undefined ? 0 : widthOf(reading.positive);
    part.zeroWidth = part.width === 0 ? 0 : LIMITS.findIndex((limit) => 2 * reading.zeroCount < limit);
    part.populated = reading.positive.length;
    part.zero = places?.zero ?? 0;
    part.runs = part.width === 0 ? [] : runsOf(reading.positive, places!.ranges);
    part.start = this.#encoded.length;
    writeNative(this.#encoded, reading, undefined, part);
    part.end = this.#encoded.length;
  }

  /** The number of new bytes. */
  get pendingBytes(): number {
    return this.#encoded.length;
  }

  /** Gives a histogram its place. Returns its new bytes, if it has any, and the length of the former ones. */
  place(number: number, at: number): { readonly bytes: Uint8Array; readonly former: number } | undefined {
    const part = this.#parts[number];
    part.at = at;
    if (part.start < 0) return undefined;
    const bytes = this.#encoded.bytes.subarray(part.start, part.end);
    const former = part.length;
    part.length = bytes.length;
    part.start = -1;
    return { bytes, former };
  }

  /** Ends the moves. */
  placed(): void {
    this.#encoded.length = 0;
  }

  /** Takes all histograms out of the exposition, for bytes that are laid out again without them. */
  detach(): void {
    for (const part of this.#parts) {
      if (part.start < 0) {
        part.start = this.#encoded.length;
        this.#encoded.append(this.bytes.subarray(part.at, part.at + part.length));
        part.end = this.#encoded.length;
      }
      part.length = 0;
    }
  }
}

type Buckets = NativeReading['positive'];

/** Returns the width that all differences fit in, also if they double; 0 if none is wide enough. */
function widthOf({ bins, counts, length }: Buckets): number {
  let largest = 0;
  for (let at = 0; at < length; at++) {
    const isNext = at > 0 && bins[at] - bins[at - 1] === 1;
    // before a gap and behind it are differences to 0
    largest = Math.max(largest, isNext ? Math.abs(counts[at] - counts[at - 1]) : counts[at]);
    if (at > 0 && !isNext) largest = Math.max(largest, counts[at - 1]);
  }
  return Math.max(
    0,
    SIGNED_LIMITS.findIndex((limit, width) => width > 0 && 2 * largest < limit),
  );
}

/** Returns the places of the counts in all spans. */
function runsOf({ bins, length }: Buckets, ranges: CountPlaces['ranges']): number[] {
  const runs: number[] = [];
  for (let first = 0, last = 0; first < length; first = ++last) {
    while (last + 1 < length && bins[last + 1] - bins[last] <= MAX_GAP + 1) last++;
    for (const { bin, cell, bins: size } of ranges) {
      const from = Math.max(bin, bins[first]);
      const end = Math.min(bin + size, bins[last] + 1);
      if (from < end) runs.push(cell + from - bin, end - from);
    }
  }
  return runs;
}

function sizeOf(runs: readonly number[]): number {
  let size = 0;
  for (let run = 1; run < runs.length; run += 2) size += runs[run];
  return size;
}
