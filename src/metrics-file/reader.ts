/**
 * Reads another process's file by plain reads, which are coherent with stores through a mapping (tested on tmpfs and ext4),
 * while that process continues to write. It trusts nothing: every length and offset is first compared with the file's size.
 *
 * One pass of a scrape is `readLog`, `readValues`, `readLog` again. Its rules, and the errors that occurred without them:
 * - a published length is read by an earlier system call than the bytes that it publishes;
 * - values are read to an address that equals their file offset modulo 8: at other addresses the kernel's copy tears doubles
 *   (260,580 torn in a stress run; aligned, none);
 * - the log is read again after the values, and slots that the new records change are left out: without that 39,663 values
 *   appeared under another series' name in 825,268 scrapes.
 */
import { fstatSync } from 'node:fs';
import { LITTLE_ENDIAN } from '../model/byte-order.js';
import { type Header, headerWords, type HeaderWords, readHeader, vitalsOf } from './header.js';
import { InputFile } from './input-file.js';
import { BLOCK, BlockKind, HEADER, PAGE_BYTES, type Vitals } from './layout.js';
import { type RecordVisitor, walkRecords } from './record.js';
import { areCounts, SlotChanges } from './slot-changes.js';

/** A value block, with the values that a reader has read of it. */
export interface ReaderBlock {
  readonly number: number;
  readonly kind: number;
  /** Offset of the data in the file. */
  readonly offset: number;
  /** Number of float64 that fit into the data. */
  readonly capacity: number;
  /** The values of the last read, as many as `extent` was then. */
  values: Float64Array;
  /** End of the slots that records name: values are read up to here. */
  extent: number;
  /** Number of slots that the last read filled. */
  filled: number;
  /**
   * False where the last read found NaN or an infinity among slots that are added up, since one of them would make every sum
   * NaN or infinite, or a bin of a native histogram that is no count.
   */
  isSound: boolean;
  /** Of native histograms' bins. */
  readonly changes: SlotChanges;
}

/** Kinds of blocks whose values are added up, and have to be finite. `SlotChanges` checks bins. */
const SUMS: ReadonlySet<number> = new Set([BlockKind.Sum, BlockKind.Histogram, BlockKind.Sketch]);

interface KeyBlock {
  readonly offset: number;
  readonly capacity: number;
}

export interface LogVisitor extends RecordVisitor {
  /** A new log starts: forget all records so far. */
  restart(): void;
}

/** Blocks are at least a page, so this is 8 GiB of the smallest ones, and it limits the cost of a hostile count. */
const MAX_BLOCKS = 65_536;

/** 256 KiB. */
const WINDOW = new Float64Array(32 * 1024);

/** The unit of `stat.blocks`. */
const STAT_BLOCK_BYTES = 512;
/** Shorter files need little memory. Longer ones must have disk space behind them, unless the file system compresses. */
const SPARSE_FROM_BYTES = 64 * 1024 * 1024;
const MAX_COMPRESSION = 16;

/**
 * About a thousand series, which take a millisecond at the first reading. A log may have 80 MB, which would be garbage
 * afterwards.
 */
const LOG_PART_BYTES = 64 * 1024;
/** After so many logs that were replaced before they were read, the next one is read at once. */
const MAX_UNFINISHED_LOGS = 4;

/**
 * A file stores default labels once, but readers add them to the text or the key of every series. The largest honest file,
 * of 64 MiB, may have 1 KiB of them in each of its 600,000 series. Without this limit a crafted file could produce any
 * amount of text from a few bytes.
 */
const LEAST_ADDED_BYTES = 32 * 1024 * 1024;
const ADDED_BYTES_PER_BYTE = 16;

export class FileReader extends InputFile {
  readonly header: Header;
  /** The header's words at the last `readLog`. */
  words: HeaderWords;
  readonly #blocks: (ReaderBlock | undefined)[] = [];
  readonly #keyBlocks: KeyBlock[] = [];
  /** Bytes of the header and of the blocks seen so far. */
  knownBytes: number = HEADER.bytes;
  /**
   * Position in the log of the next record: the key blocks of the epoch in their order, and the bytes read of the last one.
   */
  #epoch = -1;
  #chain: KeyBlock[] = [];
  #chainBytes = 0;
  /** The blocks that continue the chain, while a part of the log is unread. */
  #following: ReadonlyMap<number, KeyBlock> | undefined;
  /** Number of logs that were replaced while a part of them was unread. */
  #unfinishedLogs = 0;
  readonly #header = new Uint8Array(HEADER.identity);
  readonly #headerView = new DataView(this.#header.buffer);
  readonly #head = new Uint8Array(BLOCK.data);
  readonly #headView = new DataView(this.#head.buffer);

  /** @throws {BadFileError} or the system's error where the file cannot be opened */
  constructor(file: string) {
    super(file);
    try {
      this.header = readHeader(this.fd, file);
    } catch (error) {
      this.close();
      throw error;
    }
    this.words = this.header;
  }

  /** The vitals at the last `readLog`. */
  get vitals(): Vitals {
    return vitalsOf(this.#headerView);
  }

  /** Whether the writer has started a new log since the log was last read. */
  hasNewLog(): boolean {
    this.#readWords();
    return this.words.keyEpoch !== this.#epoch;
  }

  /** The value block of that number; undefined where the file has none (yet). */
  block(number: number): ReaderBlock | undefined {
    return this.#blocks[number];
  }

  /** @throws {BadFileError} where default labels would add so many bytes of text to the series */
  assertMayAdd(bytes: number): void {
    if (bytes <= LEAST_ADDED_BYTES + ADDED_BYTES_PER_BYTE * this.knownBytes) return;
    throw this.corrupt(`default labels that make ${bytes} bytes of text`);
  }

  /** Makes the next `readLog` start from the log's beginning. */
  rewind(): void {
    this.#epoch = -1;
  }

  /**
   * Passes on the records that were published since the last call, or, after `restart`, all records where there is a new
   * log. Of a long log it reads a part: call it until it returns true. The present log may be another one at each call.
   *
   * @throws {BadFileError} at the first violation of the format; the records before it were passed on
   */
  readLog(visitor: LogVisitor): boolean {
    this.#readWords();
    this.#readNewBlocks();
    if (this.words.keyEpoch !== this.#epoch) {
      this.#followEpoch(this.words.keyEpoch);
      visitor.restart();
    }
    const following = (this.#following ??= this.#followingBlocks());
    let room = this.#unfinishedLogs < MAX_UNFINISHED_LOGS ? LOG_PART_BYTES : Infinity;
    for (;;) {
      // a writer never returns to an earlier block, so where the next block exists, a `used` that is read after it is final
      const next = following.get(this.#chain.length);
      const last = this.#chain.at(-1);
      const used = last === undefined ? 0 : this.#usedOf(last);
      if (last !== undefined && used > this.#chainBytes) {
        if (room < LOG_PART_BYTES / 2) return false;
        // records may name a block that was added since then: the block count was published before they were
        this.#readWords();
        this.#readNewBlocks();
        room -= this.#readRecords(last, used, Math.min(room, LOG_PART_BYTES), visitor);
        if (this.#chainBytes < used) continue;
      }
      if (next === undefined) {
        this.#following = undefined;
        this.#unfinishedLogs = 0;
        return true;
      }
      this.#chain.push(next);
      this.#chainBytes = 0;
    }
  }

  /**
   * Reads the values of every block as far as records name slots. Classic buckets are read last: an observation that the bins
   * of a native histogram have is then in its bucket too.
   */
  readValues(): void {
    for (const block of this.#blocks) {
      if (block !== undefined && block.kind !== BlockKind.Histogram) this.#readBlock(block);
    }
    for (const block of this.#blocks) if (block?.kind === BlockKind.Histogram) this.#readBlock(block);
  }

  #readBlock(block: ReaderBlock): void {
    if (block.values.length < block.extent) {
      block.values = new Float64Array(Math.min(block.capacity, Math.max(block.extent, 2 * block.values.length)));
      block.changes.lose();
    }
    // values that an earlier, longer read left behind are not part of this one, and a series may still get these slots
    if (block.filled > block.extent) block.values.fill(0, block.extent, block.filled);
    block.filled = block.extent;
    if (block.extent === 0) return;
    if (block.kind === BlockKind.Native) return this.#readCounts(block);
    const bytes = new Uint8Array(block.values.buffer, 0, block.extent * Float64Array.BYTES_PER_ELEMENT);
    this.read(bytes, block.offset, 'values');
    block.isSound = !SUMS.has(block.kind) || allFinite(block.values, block.extent);
  }

  /**
   * Reads bins, most of which are as they were, through a window that stays in the processor's cache: with two passes over the
   * whole block, one to check and one to add, a scrape took more than twice as long.
   */
  #readCounts(block: ReaderBlock): void {
    const { values, extent, changes } = block;
    const wasSound = block.isSound;
    block.isSound = true;
    for (let from = 0; from < extent; from += WINDOW.length) {
      const slots = Math.min(WINDOW.length, extent - from);
      const bytes = new Uint8Array(WINDOW.buffer, 0, slots * Float64Array.BYTES_PER_ELEMENT);
      this.read(bytes, block.offset + from * Float64Array.BYTES_PER_ELEMENT, 'values');
      if (!changes.note(WINDOW, slots, values, from)) block.isSound = false;
    }
    if (!wasSound) block.isSound = areCounts(values, extent);
  }

  #readWords(): void {
    this.read(this.#header, 0, 'the header');
    this.words = headerWords(this.#headerView);
  }

  #readNewBlocks(): void {
    const count = this.words.blockCount;
    if (count === this.#blocks.length) return;
    if (count > MAX_BLOCKS) throw this.corrupt(`${count} blocks`, HEADER.blockCount);
    const size = this.#wholeSize();
    while (this.#blocks.length < count) {
      const offset = this.knownBytes;
      this.read(this.#head, offset, 'the head of a block');
      const kind = this.#headView.getUint32(BLOCK.kind, LITTLE_ENDIAN);
      const bytes = this.#headView.getUint32(BLOCK.pages, LITTLE_ENDIAN) * PAGE_BYTES;
      if (bytes === 0) throw this.corrupt('a block of no pages', offset);
      if (offset + bytes > size) {
        throw this.corrupt('a block goes beyond the end of the file', offset, bytes, size - offset);
      }
      const data = { offset: offset + BLOCK.data, capacity: bytes - BLOCK.data };
      if (kind === BlockKind.Key) {
        this.#keyBlocks.push(data);
        this.#blocks.push(undefined);
      } else {
        this.#blocks.push({
          number: this.#blocks.length,
          kind,
          offset: data.offset,
          capacity: data.capacity / Float64Array.BYTES_PER_ELEMENT,
          values: new Float64Array(0),
          extent: 0,
          filled: 0,
          isSound: true,
          changes: new SlotChanges(),
        });
      }
      this.knownBytes = offset + bytes;
    }
  }

  /**
   * Refuses sparse files: no writer makes holes, and a file of holes may be of any length, all of which a reader would hold
   * in memory.
   */
  #wholeSize(): number {
    const { size, blocks } = fstatSync(this.fd);
    const backed = blocks * STAT_BLOCK_BYTES;
    if (size > SPARSE_FROM_BYTES && backed > 0 && backed * MAX_COMPRESSION < size) {
      throw this.corrupt('the file is sparse', 0, size, backed);
    }
    return size;
  }

  #followEpoch(epoch: number): void {
    if (this.#following !== undefined) this.#unfinishedLogs++;
    this.#following = undefined;
    this.#epoch = epoch;
    this.#chain = [];
    this.#chainBytes = 0;
    for (const block of this.#blocks) if (block !== undefined) block.extent = 0;
  }

  /**
   * The key blocks that continue the epoch's chain, by their places. All heads are read once: to search all blocks for each
   * place would take minutes where a hostile file has 65,536 of them.
   */
  #followingBlocks(): Map<number, KeyBlock> {
    const known = new Set(this.#chain);
    const following = new Map<number, KeyBlock>();
    for (const block of this.#keyBlocks) {
      if (known.has(block)) continue;
      this.read(this.#head, block.offset - BLOCK.data, 'the head of a key block');
      if (this.#headView.getUint32(BLOCK.keyEpoch, LITTLE_ENDIAN) !== this.#epoch) continue;
      const place = this.#headView.getUint32(BLOCK.chain, LITTLE_ENDIAN);
      if (!following.has(place)) following.set(place, block);
    }
    return following;
  }

  #usedOf(block: KeyBlock): number {
    const offset = block.offset - BLOCK.data;
    this.read(this.#head, offset, 'the head of a key block');
    const used = this.#headView.getUint32(BLOCK.used, LITTLE_ENDIAN);
    if (used > block.capacity) {
      throw this.corrupt('more of a key block is used than it has', offset + BLOCK.used, used, block.capacity);
    }
    return used;
  }

  /** Reads the next records of a key block, as many as fit into a part, and at least one. Returns their length in bytes. */
  #readRecords(block: KeyBlock, used: number, partBytes: number, visitor: LogVisitor): number {
    const left = used - this.#chainBytes;
    const offset = block.offset + this.#chainBytes;
    for (let length = partBytes; ; length *= 2) {
      const part = new Uint8Array(Math.min(left, length));
      this.read(part, offset, 'records');
      const walked = walkRecords(part, visitor, this.file, offset, left);
      this.#chainBytes += walked;
      // the first record may be longer than the part
      if (walked > 0) return walked;
    }
  }
}

/** Four sums in parallel: 0.4 ns per slot, where one comparison after the other took 0.7. */
function allFinite(values: Float64Array, end: number): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  let at = 0;
  for (; at + 3 < end; at += 4) {
    a += values[at] - values[at];
    b += values[at + 1] - values[at + 1];
    c += values[at + 2] - values[at + 2];
    d += values[at + 3] - values[at + 3];
  }
  for (; at < end; at++) a += values[at] - values[at];
  return a + b + c + d === 0;
}
