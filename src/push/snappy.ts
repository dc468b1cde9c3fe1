/**
 * The block format of snappy, which remote write demands (google/snappy, format_description.txt). Literals alone would be
 * valid, and receivers take them. But label texts repeat in every series, so that these few lines make a request several times
 * smaller, in the queue too (more than 5 times in the test); a package for it would be larger than they are.
 */

/** Matches are found within blocks of this size, so that offsets fit in two bytes. */
const BLOCK_BYTES = 1 << 16;
const HASH_BITS = 14;
const MIN_MATCH = 4;
/** A copy element holds 6 bits of length. */
const MAX_COPY = 64;
const LITERAL = 0;
const COPY_TWO_BYTE_OFFSET = 2;

/** Compresses; the result is a new buffer. */
export function compressSnappy(input: Uint8Array): Buffer {
  const output = new Output(input);
  const table = new Int32Array(1 << HASH_BITS);
  for (let start = 0; start < input.length; start += BLOCK_BYTES) {
    table.fill(-1);
    compressBlock(input, start, Math.min(start + BLOCK_BYTES, input.length), table, output);
  }
  return output.finish();
}

function compressBlock(input: Uint8Array, start: number, end: number, table: Int32Array, output: Output): void {
  let pending = start;
  let at = start;
  // bytes that compress badly are passed over in growing steps
  let misses = 32;
  while (at + MIN_MATCH <= end) {
    const word = wordAt(input, at);
    const slot = Math.imul(word, 0x1e35a7bd) >>> (32 - HASH_BITS);
    const candidate = table[slot];
    table[slot] = at;
    if (candidate < 0 || wordAt(input, candidate) !== word) {
      at += misses++ >> 5;
      continue;
    }
    let length = MIN_MATCH;
    while (at + length < end && input[candidate + length] === input[at + length]) length++;
    output.literal(pending, at);
    output.copy(at - candidate, length);
    at += length;
    pending = at;
    misses = 32;
  }
  output.literal(pending, end);
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
}

class Output {
  readonly #input: Uint8Array;
  readonly #bytes: Buffer;
  #length = 0;

  constructor(input: Uint8Array) {
    this.#input = input;
    // the largest size that google/snappy states for any input
    this.#bytes = Buffer.allocUnsafeSlow(32 + input.length + Math.ceil(input.length / 6));
    let rest = input.length;
    for (; rest >= 0x80; rest >>>= 7) this.#byte((rest & 0x7f) | 0x80);
    this.#byte(rest);
  }

  literal(from: number, to: number): void {
    if (from === to) return;
    const last = to - from - 1;
    if (last < 60) {
      this.#byte((last << 2) | LITERAL);
    } else {
      // 60 and 61: the length follows in one or two bytes, which is enough within a block
      this.#byte(((last < 0x100 ? 60 : 61) << 2) | LITERAL);
      this.#byte(last & 0xff);
      if (last >= 0x100) this.#byte(last >> 8);
    }
    this.#bytes.set(this.#input.subarray(from, to), this.#length);
    this.#length += to - from;
  }

  copy(offset: number, length: number): void {
    for (let rest = length; rest > 0; rest -= MAX_COPY) {
      this.#byte(((Math.min(rest, MAX_COPY) - 1) << 2) | COPY_TWO_BYTE_OFFSET);
      this.#byte(offset & 0xff);
      this.#byte(offset >> 8);
    }
  }

  /** A copy, because the buffer is as large as the input. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length));
  }

  #byte(value: number): void {
    this.#bytes[this.#length++] = value;
  }
}
