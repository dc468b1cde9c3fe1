/**
 * One block of a file that is written and not mapped: its bytes in memory, and a copy of the bytes in the file. A flush
 * writes the differences, so that writers of values need no extra work: they store a float64, as in a mapping.
 */
import { writeSync } from 'node:fs';
import { BLOCK, BlockKind, PAGE_BYTES } from './layout.js';
import { writeAll } from './write-all.js';

const WORD = Int32Array.BYTES_PER_ELEMENT;
/**
 * Length of one comparison. Only where it finds a difference are the pages compared. To compare page by page takes a
 * quarter longer (measured).
 */
const STRIDE_BYTES = 16 * PAGE_BYTES;

export class WrittenBlock {
  readonly #fd: number;
  /** Offset of the block in the file. */
  readonly #offset: number;
  readonly #bytes: Buffer;
  readonly #head: Int32Array;
  readonly #fileHead = new Int32Array(BLOCK.data / WORD);
  /** The data as it is in the file. Key blocks need no copy, because records are only appended. */
  #fileData: Buffer | undefined;

  /** @param bytes zeros, as in the file */
  constructor(fd: number, offset: number, bytes: Buffer) {
    this.#fd = fd;
    this.#offset = offset;
    this.#bytes = bytes;
    this.#head = new Int32Array(bytes.buffer, bytes.byteOffset, BLOCK.data / WORD);
  }

  get isKeyBlock(): boolean {
    return this.#head[BLOCK.kind / WORD] === BlockKind.Key;
  }

  /** The place of a key block in its log. */
  get place(): number {
    return this.#head[BLOCK.chain / WORD];
  }

  /** Slots as the file has them. */
  get fileSlots(): Float64Array | undefined {
    if (this.#fileData === undefined) return undefined;
    const { buffer, byteOffset, byteLength } = this.#fileData;
    return new Float64Array(buffer, byteOffset, byteLength / Float64Array.BYTES_PER_ELEMENT);
  }

  /** Writes kind and length; before that, no reader may see the block. */
  writeShape(): void {
    this.#writeWord(BLOCK.kind);
    this.#writeWord(BLOCK.pages);
  }

  /** Writes the records that are behind the `used` of the head in the file. */
  writeRecords(): void {
    const used = BLOCK.used / WORD;
    const epoch = BLOCK.keyEpoch / WORD;
    const start = BLOCK.data + (this.#head[epoch] === this.#fileHead[epoch] ? this.#fileHead[used] : 0);
    writeAll(this.#fd, this.#bytes.subarray(start, BLOCK.data + this.#head[used]), this.#offset + start);
  }

  /**
   * Writes the words that publish the content of the block, one by one: a reader may see a part of a larger write. The
   * epoch comes last, because it makes a block of an old log a block of the present one.
   */
  publish(): void {
    for (const word of [BLOCK.chain, BLOCK.used, BLOCK.keyEpoch]) this.#writeWord(word);
  }

  /** Writes the pages whose slots differ from the file. */
  writeSlots(): void {
    this.#fileData ??= Buffer.alloc(this.#bytes.length - BLOCK.data);
    const end = BLOCK.data + this.#head[BLOCK.used / WORD];
    for (let from = 0; from < end; from += STRIDE_BYTES) {
      const to = Math.min(from + STRIDE_BYTES, end);
      if (this.#differs(from, to)) this.#writePages(from, to);
    }
  }

  #writePages(from: number, end: number): void {
    let start = from;
    for (let page = from; page < end; page += PAGE_BYTES) {
      const next = Math.min(page + PAGE_BYTES, end);
      if (this.#differs(page, next)) continue;
      this.#write(start, page);
      start = next;
    }
    this.#write(start, end);
  }

  /** Bounds are bytes of the block; the head is not compared. */
  #differs(from: number, to: number): boolean {
    const start = Math.max(from, BLOCK.data);
    return this.#bytes.compare(this.#fileData!, start - BLOCK.data, to - BLOCK.data, start, to) !== 0;
  }

  #write(from: number, end: number): void {
    for (let at = Math.max(from, BLOCK.data); at < end;) {
      const done = at + writeSync(this.#fd, this.#bytes, at, end - at, this.#offset + at);
      // also after a write that was incomplete or failed: the copy has to equal the file
      this.#bytes.copy(this.#fileData!, at - BLOCK.data, at, done);
      at = done;
    }
  }

  #writeWord(offset: number): void {
    const at = offset / WORD;
    if (this.#head[at] === this.#fileHead[at]) return;
    writeSync(this.#fd, this.#bytes, offset, WORD, this.#offset + offset);
    this.#fileHead[at] = this.#head[at];
  }
}
