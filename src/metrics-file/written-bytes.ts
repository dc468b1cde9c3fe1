import { ftruncateSync } from 'node:fs';
import { HEADER } from './layout.js';
import type { CreateOptions } from './file-bytes.js';
import { createAside, OwnFile } from './own-file.js';
import { writeAll } from './write-all.js';
import { WrittenBlock } from './written-block.js';

const WORD = Int32Array.BYTES_PER_ELEMENT;

/**
 * Memory that `flush` writes to the file: on a timer, and when the process ends. For Windows, systems without the native
 * module, and network file systems, where a mapping is not coherent. Readers see the state of the last flush.
 *
 * A flush writes the pages that have changed since the last one. It finds them by a comparison with a copy of the file. Of 64 MiB
 * in which one counter changed it writes 4 KiB in 6 to 13 ms, nearly all of it for the comparison; to write everything took 20 to
 * 40 ms, and sent everything to the disk or the network four times a second. Where every page has changed, both take the same time
 * (measured side by side, on tmpfs and ext4; 1 MiB: 0.05 ms). The copy doubles the memory of values, not that of the log. Code that
 * stores a value does no extra work.
 *
 * A flush keeps the publish order of writer.ts, so that a reader at the same time, or after a SIGKILL between any two writes,
 * finds a file that is valid up to its last published record. FORMAT.md has its seven steps, and what a reader finds after
 * each.
 */
export class WrittenBytes extends OwnFile {
  readonly kind = 'written';
  readonly immediate = false;
  #header: Buffer | undefined;
  readonly #fileHeader = Buffer.alloc(HEADER.bytes);
  readonly #blocks: WrittenBlock[] = [];

  /** @throws the system's error where the file cannot be made */
  constructor(options: CreateOptions) {
    super(createAside(options), options);
  }

  override flush(): boolean {
    if (this.closed || this.#header === undefined) return false;
    try {
      this.#flushInOrder(this.#header);
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    }
  }

  override fileSlots(block: number): Float64Array | undefined {
    return this.#blocks[block]?.fileSlots;
  }

  protected grow(length: number): Uint8Array {
    const bytes = Buffer.alloc(length);
    try {
      writeAll(this.fd, bytes, this.length);
    } catch (error) {
      ftruncateQuietly(this.fd, this.length);
      throw error;
    }
    if (this.#header === undefined) this.#header = bytes;
    else this.#blocks.push(new WrittenBlock(this.fd, this.length, bytes));
    return bytes;
  }

  #flushInOrder(header: Buffer): void {
    const keyBlocks = this.#blocks.filter(({ isKeyBlock }) => isKeyBlock);
    const valueBlocks = this.#blocks.filter(({ isKeyBlock }) => !isKeyBlock);
    for (const block of keyBlocks) block.writeRecords();
    for (const block of this.#blocks) block.writeShape();
    for (const block of valueBlocks) block.publish();
    this.#writeHeader(header, HEADER.blockCount, WORD);
    // a reader that finds the next block treats the one before it as complete
    for (const block of keyBlocks.toSorted((a, b) => a.place - b.place)) block.publish();
    this.#writeHeader(header, HEADER.keyEpoch, WORD);
    for (const block of valueBlocks) block.writeSlots();
    this.#writeHeader(header, 0, HEADER.bytes);
  }

  #writeHeader(header: Buffer, offset: number, length: number): void {
    const end = offset + length;
    if (header.compare(this.#fileHeader, offset, end, offset, end) === 0) return;
    writeAll(this.fd, header.subarray(offset, end), offset);
    header.copy(this.#fileHeader, offset, offset, end);
  }
}

function ftruncateQuietly(fd: number, length: number): void {
  try {
    ftruncateSync(fd, length);
  } catch {
    // the file stays a little longer than necessary; readers go by blockCount
  }
}
