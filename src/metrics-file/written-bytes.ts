import { ftruncateSync } from 'node:fs';
import { HEADER } from './layout.js';
import type { CreateOptions } from './file-bytes.js';
import { createAside, OwnFile } from './own-file.js';
import { writeAll } from './write-all.js';
import { WrittenBlock } from './written-block.js';

const WORD = Int32Array.BYTES_PER_ELEMENT;

/**
 * Memory that is written to the file by `flush`: on a timer, and when the process ends. For Windows, systems without the
 * native module, and network file systems, on which a mapping is not coherent. Readers see what was last flushed.
 *
 * A flush writes the pages that have changed since the one before, found by comparing with a copy of what the file has. Of
 * 64 MiB in which one counter moved it writes 4 KiB in 6 to 13 ms, all but a few µs of it the comparison, where everything
 * took 20 to 40 ms and went to the disk or the wire four times a second; where every page moved, both take the same (ran,
 * side by side, on tmpfs and ext4; 1 MiB: 0.05 ms). The copy doubles the memory of values, not that of the log. Whoever writes
 * a value does nothing for it.
 *
 * It keeps the publish order that writer.ts has, so that a reader meanwhile, and one after a SIGKILL between any two writes,
 * finds a file that is valid up to its last published record:
 *
 *   1. records behind `used`, or under an epoch that is to come   nothing: no reader looks there
 *   2. kind and length of new blocks, `used` of value blocks       slots that no record names
 *   3. blockCount                                                 empty blocks
 *   4. heads of key blocks, those that come first in a log first  the records: new series are zero, removed ones are gone
 *   5. keyEpoch                                                   the new log, with what stays at its former values
 *   6. slots                                                      each value is the former or the new one
 *   7. the rest of the header                                     the heartbeat
 *
 * Records go before slots: the other way round a series that was removed would be zero before it is gone. That new series
 * are zero in the file until their slots are written rests on slots of removed ones resting until a whole flush is done.
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

  flush(): boolean {
    if (this.closed || this.#header === undefined) return false;
    try {
      this.#flushInOrder(this.#header);
      return true;
    } catch (error) {
      this.failed(error);
      return false;
    }
  }

  fileSlots(block: number): Float64Array | undefined {
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
    // a reader that finds the next block there takes the one before for complete
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
    // the file stays a little longer than it needs to be; readers go by blockCount
  }
}
