/**
 * One block of a file that is written and not mapped: its bytes in memory, and what of them the file has. A write takes what
 * differs, so that the writers of values do nothing for it: they store a float64, as in a mapping.
 */
import { writeSync } from 'node:fs';
import { BLOCK, BlockKind, PAGE_BYTES } from './layout.js';
import { writeAll } from './write-all.js';

const WORD = Int32Array.BYTES_PER_ELEMENT;
/** Compared at once; pages of it are looked at where it differs. Page by page takes a quarter longer (ran). */
const STRIDE_BYTES = 16 * PAGE_BYTES;

export class WrittenBlock {
  readonly #fd: number;
  /** In the file. */
  readonly #offset: number;
  readonly #bytes: Buffer;
  readonly #head: Int32Array;
  readonly #fileHead = new Int32Array(BLOCK.data / WORD);
  /** The data as the file has it; of key blocks none is needed, for records are only ever added. */
  #fileData: Buffer | undefined;

  /** @param bytes zeros, as they are in the file */
  constructor(fd: number, offset: number, bytes: Buffer) {
    this.#fd = fd;
    this.#offset = offset;
    this.#bytes = bytes;
    this.#head = new Int32Array(bytes.buffer, bytes.byteOffset, BLOCK.data / WORD);
  }

  get isKeyBlock(): boolean {
    return this.#head[BLOCK.kind / WORD] === BlockKind.Key;
  }

  /** Of a key block: which part of its log it is. */
  get place(): number {
    return this.#head[BLOCK.chain / WORD];
  }

  /** Slots as the file has them. */
  get fileSlots(): Float64Array | undefined {
    if (this.#fileData === undefined) return undefined;
    const { buffer, byteOffset, byteLength } = this.#fileData;
    return new Float64Array(buffer, byteOffset, byteLength / Float64Array.BYTES_PER_ELEMENT);
  }

  /** Writes kind and length, without which no reader may see the block. */
  writeShape(): void {
    this.#writeWord(BLOCK.kind);
    this.#writeWord(BLOCK.pages);
  }

  /** Writes what was added to a log behind that which the head in the file tells of. */
  writeRecords(): void {
    const used = BLOCK.used / WORD;
    const epoch = BLOCK.keyEpoch / WORD;
    const start = BLOCK.data + (this.#head[epoch] === this.#fileHead[epoch] ? this.#fileHead[used] : 0);
    writeAll(this.#fd, this.#bytes.subarray(start, BLOCK.data + this.#head[used]), this.#offset + start);
  }

  /**
   * Writes the words that publish what is in the block, each by itself: a reader may find a write of several half done. The
   * epoch comes last, for it makes a block that was of an old log one of the present log.
   */
  publish(): void {
    for (const word of [BLOCK.chain, BLOCK.used, BLOCK.keyEpoch]) this.#writeWord(word);
  }

  /** Writes the pages whose slots are not what the file has. */
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

  /** Bounds are bytes of the block; the head is left out. */
  #differs(from: number, to: number): boolean {
    const start = Math.max(from, BLOCK.data);
    return this.#bytes.compare(this.#fileData!, start - BLOCK.data, to - BLOCK.data, start, to) !== 0;
  }

  #write(from: number, end: number): void {
    for (let at = Math.max(from, BLOCK.data); at < end;) {
      const done = at + writeSync(this.#fd, this.#bytes, at, end - at, this.#offset + at);
      // also of a write that goes on or fails after it: this is what the file has
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
