/**
 * Writes one process's file. The order in which changes become visible, and what a reader sees when the process is killed
 * between two steps:
 *
 *   a block     1. disk space               the file is longer than its blocks: nothing refers to the space
 *               2. kind and pages           same
 *               3. blockCount + 1           an empty block
 *   a record    1. its bytes behind `used`  nothing: readers stop at `used`
 *               2. `used`                   the record
 *   a series    1. slots, zero; `used` of their block
 *                                           slots that no record names
 *               2. its record               the series, zero
 *   a removal   1. its record               the slots are left out
 *               2. the slots are zeroed     same; they are not reused for a second
 *   a new log   1. records in key blocks of the next epoch
 *                                           the old log: readers skip blocks of another epoch
 *               2. keyEpoch + 1             the new log
 *
 * Every last step is one aligned `Atomics.store`. Values need no step: a float64 slot is stored as a whole.
 */
import { unlinkSync } from 'node:fs';
import type { Backing, LogDraft, StoreStatus, ValueBlock } from './backing.js';
import { crc32 } from './crc32.js';
import type { FileBytes } from './file-bytes.js';
import {
  BLOCK,
  BlockKind,
  BYTE_ORDER_MARK,
  FileState,
  HEADER,
  MAGIC,
  PAGE_BYTES,
  type ProcessIdentity,
  type ValueBlockKind,
  VERSION_MAJOR,
  VERSION_MINOR,
  VITALS,
  type Vitals,
} from './layout.js';
import { pack } from './pack.js';

interface Block {
  readonly head: Int32Array;
  readonly data: Uint8Array;
}

/** Epoch of a key block that is in no log. */
const NO_EPOCH = 0;
const WORD = Int32Array.BYTES_PER_ELEMENT;
const FIRST_KEY_BLOCK_BYTES = 2 * PAGE_BYTES;
const LARGEST_KEY_BLOCK_BYTES = 1024 * 1024;

/** A step of the publish order, at which crash tests stop. */
export type PublishStep =
  | 'block made'
  | 'block headed'
  | 'block published'
  | 'record written'
  | 'record published'
  | 'log restarted'
  | 'epoch published';

export class FileWriter implements Backing {
  readonly bytes: FileBytes;
  /** Set by crash tests only. */
  static onStep: ((step: PublishStep) => void) | undefined;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #keyBlocks: Block[] = [];
  #chain: Block[] = [];
  /**
   * Blocks of the log before the present one. They are not overwritten yet: readers may still be in them, and in a file
   * that is flushed that log may be the published one.
   */
  #previousChain: readonly Block[] = [];
  /** A log that is to replace the present one, not yet published. */
  #draft: (LogDraft & { readonly chain: readonly Block[] }) | undefined;
  #keyEpoch = 1;
  #flushedEpoch = 1;
  #flushedAt = -Infinity;
  #blockCount = 0;

  /** Writes the header of a file that readers do not see yet. @throws the reason where there is no room for the header */
  constructor(bytes: FileBytes, identity: ProcessIdentity) {
    this.bytes = bytes;
    const header = bytes.extend(HEADER.bytes);
    if (header === undefined) throw bytes.lastError ?? new Error('no room for a header');
    const { buffer, byteOffset } = header;
    this.#words = new Int32Array(buffer, byteOffset, HEADER.bytes / WORD);
    this.#numbers = new Float64Array(buffer, byteOffset, HEADER.bytes / Float64Array.BYTES_PER_ELEMENT);
    const packed = pack(identity);
    header.set(packed, HEADER.identity);
    header.set(Buffer.from(MAGIC, 'latin1'), HEADER.magic);
    this.#words[HEADER.byteOrderMark / WORD] = BYTE_ORDER_MARK;
    const halves = new Uint16Array(buffer, byteOffset, HEADER.bytes / Uint16Array.BYTES_PER_ELEMENT);
    halves[HEADER.versionMajor / Uint16Array.BYTES_PER_ELEMENT] = VERSION_MAJOR;
    halves[HEADER.versionMinor / Uint16Array.BYTES_PER_ELEMENT] = VERSION_MINOR;
    this.#words[HEADER.identityLength / WORD] = packed.length;
    this.#words[HEADER.identityCrc / WORD] = crc32(packed) | 0;
    this.#words[HEADER.keyEpoch / WORD] = this.#keyEpoch;
    this.#store(HEADER.state, FileState.Open);
    this.beat();
  }

  get kind(): 'mapped' | 'written' {
    return this.bytes.kind;
  }

  get publishedAt(): number {
    return this.bytes.immediate ? Infinity : this.#flushedAt;
  }

  addValueBlock(kind: ValueBlockKind, slots: number): ValueBlock | undefined {
    const block = this.#addBlock(kind, slots * Float64Array.BYTES_PER_ELEMENT);
    if (block === undefined) return undefined;
    const { head, data } = block;
    return {
      kind,
      number: this.#blockCount - 1,
      // up to the end of the block's last page: those slots exist anyway
      view: new Float64Array(data.buffer, data.byteOffset, data.length / Float64Array.BYTES_PER_ELEMENT),
      publishUsed: (used) => {
        Atomics.store(head, BLOCK.used / WORD, used * Float64Array.BYTES_PER_ELEMENT);
      },
    };
  }

  append(record: Uint8Array): boolean {
    return this.#appendTo(this.#chain, this.#keyEpoch, record, () => this.#takeSpare(record.length));
  }

  /** The draft is in key blocks that the present log does not use. */
  beginLog(): LogDraft | undefined {
    if (!this.bytes.immediate && this.#flushedEpoch !== this.#keyEpoch) return undefined;
    this.#draft?.discard();
    const chain: Block[] = [];
    const epoch = this.#keyEpoch + 1;
    const takeSpare = (bytes: number): Block | undefined =>
      this.#keyBlocks.find(
        (block) => block.data.length >= bytes && !this.#chain.includes(block) && !chain.includes(block),
      );
    const draft = {
      chain,
      append: (record: Uint8Array) => this.#appendTo(chain, epoch, record, () => takeSpare(record.length)),
      publish: () => {
        FileWriter.onStep?.('log restarted');
        this.#previousChain = this.#chain;
        this.#chain = chain;
        this.#keyEpoch = epoch;
        this.#draft = undefined;
        this.#store(HEADER.keyEpoch, epoch);
        FileWriter.onStep?.('epoch published');
      },
      discard: () => {
        // the next try may need fewer blocks: blocks of this one must not be read as the end of that log
        for (const { head } of chain) Atomics.store(head, BLOCK.keyEpoch / WORD, NO_EPOCH);
        this.#draft = undefined;
      },
    };
    this.#draft = draft;
    return draft;
  }

  /** Sets the heartbeat to now. */
  beat(vitals: Vitals = {}): void {
    VITALS.forEach((name, at) => {
      this.#numbers[HEADER.vitals / Float64Array.BYTES_PER_ELEMENT + at] = vitals[name] ?? NaN;
    });
    this.#numbers[HEADER.heartbeat / Float64Array.BYTES_PER_ELEMENT] = Date.now() / 1000;
  }

  report(status: StoreStatus): void {
    this.#words[HEADER.liveSeries / WORD] = status.liveSeries;
    this.#numbers[HEADER.bytesInMemory / Float64Array.BYTES_PER_ELEMENT] = status.bytesInMemory;
    this.#numbers[HEADER.droppedSamples / Float64Array.BYTES_PER_ELEMENT] = status.droppedSamples;
  }

  /** Writes everything to the file, where the backing does not do so by itself. False where a part was not written. */
  flush(): boolean {
    const now = performance.now();
    // until a flush is complete, freed slots are not reused and the log is not replaced again
    if (!this.bytes.flush()) return false;
    this.#flushedAt = now;
    this.#flushedEpoch = this.#keyEpoch;
    return true;
  }

  /** Closes and removes the file, after its counts have been moved elsewhere. */
  remove(): void {
    unlinkSync(this.bytes.path);
    this.close();
  }

  /** Closes the file normally: the process declares that it writes no more. */
  close(): void {
    this.#store(HEADER.state, FileState.Closed);
    this.bytes.close();
  }

  #store(offset: number, value: number): void {
    Atomics.store(this.#words, offset / WORD, value);
  }

  #addBlock(kind: BlockKind, dataBytes: number): Block | undefined {
    const pages = Math.ceil((BLOCK.data + dataBytes) / PAGE_BYTES);
    const bytes = this.bytes.extend(pages * PAGE_BYTES);
    if (bytes === undefined) return undefined;
    FileWriter.onStep?.('block made');
    const head = new Int32Array(bytes.buffer, bytes.byteOffset, BLOCK.data / WORD);
    head[BLOCK.kind / WORD] = kind;
    head[BLOCK.pages / WORD] = pages;
    FileWriter.onStep?.('block headed');
    this.#store(HEADER.blockCount, ++this.#blockCount);
    FileWriter.onStep?.('block published');
    return { head, data: bytes.subarray(BLOCK.data) };
  }

  #appendTo(chain: Block[], epoch: number, record: Uint8Array, takeSpare: () => Block | undefined): boolean {
    let block = chain.at(-1);
    let used = block === undefined ? 0 : block.head[BLOCK.used / WORD];
    if (block === undefined || used + record.length > block.data.length) {
      block = takeSpare() ?? this.#addKeyBlock(record.length);
      if (block === undefined) return false;
      used = 0;
      Atomics.store(block.head, BLOCK.used / WORD, 0);
      block.head[BLOCK.chain / WORD] = chain.length;
      Atomics.store(block.head, BLOCK.keyEpoch / WORD, epoch);
      chain.push(block);
    }
    block.data.set(record, used);
    FileWriter.onStep?.('record written');
    Atomics.store(block.head, BLOCK.used / WORD, used + record.length);
    FileWriter.onStep?.('record published');
    return true;
  }

  /**
   * A key block with enough room of an older log. If these were not reused, a file in which series come and go would grow
   * for ever.
   */
  #takeSpare(bytes: number): Block | undefined {
    const taken = new Set([...this.#chain, ...this.#previousChain, ...(this.#draft?.chain ?? [])]);
    return this.#keyBlocks.find((block) => block.data.length >= bytes && !taken.has(block));
  }

  #addKeyBlock(recordBytes: number): Block | undefined {
    const soFar = this.#keyBlocks.reduce((sum, { data }) => sum + data.length + BLOCK.data, 0);
    const wanted = Math.min(Math.max(soFar, FIRST_KEY_BLOCK_BYTES), LARGEST_KEY_BLOCK_BYTES) - BLOCK.data;
    const block = this.#addBlock(BlockKind.Key, Math.max(wanted, recordBytes));
    if (block !== undefined) this.#keyBlocks.push(block);
    return block;
  }
}
