/**
 * Checks a file against FORMAT.md. A reader checks only what could mislead it. This check also finds files that none of our
 * writers makes: two series whose slots overlap, or a series beyond the `used` of its block.
 */
import { fstatSync } from 'node:fs';
import { BadFileError, describeError } from '../errors.js';
import { LITTLE_ENDIAN } from '../model/byte-order.js';
import { type AttachmentBody, attachmentShape } from './attachment.js';
import { type HeaderWords, headerWords, readHeader } from './header.js';
import { InputFile } from './input-file.js';
import { BLOCK, BlockKind, HEADER, PAGE_BYTES, SERIES } from './layout.js';
import { interpretRecord, type LogSink } from './log-interpreter.js';
import { decodeKey, type FamilyRecord, walkRecords } from './record.js';
import type { Address, Moves } from './record-bodies.js';
import { completed } from '../time-slices.js';
import { verifySeal } from './seal.js';
import { GAUGE_SHAPE, seriesShape, type SlotShape } from './slot-shape.js';

/** A violation of the format. */
export interface FileProblem {
  /** Byte of the file at which it was found. */
  readonly offset: number;
  readonly reason: string;
  /** Bytes that the format requires there, where the problem is a length. */
  readonly requiredBytes?: number;
  readonly availableBytes?: number;
}

export interface FileCheck {
  readonly ok: boolean;
  readonly problems: readonly FileProblem[];
  /** Families that the log declares. */
  readonly families: number;
  /** Series that exist now. */
  readonly series: number;
  readonly blocks: number;
}

/** Further problems are not listed: one damaged place can cause a problem in every series. */
const MAX_PROBLEMS = 100;
/** If the writer starts a new log during the check, the check reads it from the beginning. */
const MAX_ATTEMPTS = 5;

/**
 * Checks one file, also the file of a living process. Never throws: a file that cannot be opened is a problem in the
 * result.
 */
export function checkFile(path: string): FileCheck {
  try {
    const file = new InputFile(path);
    try {
      readHeader(file.fd, path);
      for (let attempt = 1; ; attempt++) {
        const check = new Check(file);
        check.run();
        if (check.isOfOneLog() || attempt === MAX_ATTEMPTS) return check.result();
      }
    } finally {
      file.close();
    }
  } catch (error) {
    return { ok: false, problems: [problemOf(error)], families: 0, series: 0, blocks: 0 };
  }
}

interface Block {
  readonly offset: number;
  readonly kind: number;
  readonly bytes: number;
  readonly used: number;
  readonly keyEpoch: number;
  readonly place: number;
}

/** Slots that a record names. */
interface Claim {
  /** Offset of the record. */
  readonly offset: number;
  readonly block: number;
  readonly slot: number;
  readonly shape: SlotShape;
  /** The family and the key of a series; undefined for an attachment. */
  readonly series: string | undefined;
}

class Check implements LogSink {
  readonly #file: InputFile;
  readonly #size: number;
  readonly #words: HeaderWords;
  readonly #problems: FileProblem[] = [];
  readonly #shapes = new Map<number, { shape: SlotShape; labels: number }>();
  readonly #slots = new NamedSlots();
  #blocks: Block[] = [];
  /** Compared with the blocks after the whole log has been read: in a living file both grow, the blocks first. */
  readonly #claims: Claim[] = [];

  constructor(file: InputFile) {
    this.#file = file;
    this.#words = this.#readWords();
    this.#size = fstatSync(file.fd).size;
  }

  run(): void {
    try {
      this.#blocks = this.#readBlocks(this.#words.blockCount);
      for (const block of this.#chain()) this.#readRecords(block);
    } catch (error) {
      this.#report(problemOf(error));
    }
    const known = this.#problems.length;
    try {
      this.#blocks = this.#readBlocks(this.#readWords().blockCount);
    } catch (error) {
      if (known === 0) this.#report(problemOf(error));
    }
    for (const claim of this.#claims) this.#checkClaim(claim);
    for (const { offset, slot, other } of this.#slots.overlaps()) {
      this.#report({ offset, reason: `slot ${slot} is that of the record at byte ${other} too` });
    }
  }

  isOfOneLog(): boolean {
    return this.#readWords().keyEpoch === this.#words.keyEpoch;
  }

  result(): FileCheck {
    return {
      ok: this.#problems.length === 0,
      problems: this.#problems,
      families: this.#shapes.size,
      series: this.#slots.series,
      blocks: this.#blocks.length,
    };
  }

  #report(problem: FileProblem): void {
    if (this.#problems.length < MAX_PROBLEMS) this.#problems.push(problem);
  }

  #readWords(): HeaderWords {
    return headerWords(new DataView(this.#read(0, HEADER.identity).buffer));
  }

  #readBlocks(count: number): Block[] {
    const blocks: Block[] = [];
    for (let offset: number = HEADER.bytes; blocks.length < count;) {
      const head = new DataView(this.#read(offset, BLOCK.data).buffer);
      const word = (at: number): number => head.getUint32(at, LITTLE_ENDIAN);
      const bytes = word(BLOCK.pages) * PAGE_BYTES;
      if (bytes === 0) throw this.#file.corrupt('a block of no pages', offset + BLOCK.pages);
      if (offset + bytes > this.#size) {
        throw this.#file.corrupt('a block goes beyond the end of the file', offset, bytes, this.#size - offset);
      }
      const used = word(BLOCK.used);
      const capacity = bytes - BLOCK.data;
      if (used > capacity) {
        throw this.#file.corrupt('more of a block is used than it has', offset + BLOCK.used, used, capacity);
      }
      const [kind, keyEpoch, place] = [word(BLOCK.kind), word(BLOCK.keyEpoch), word(BLOCK.chain)];
      blocks.push({ offset, kind, bytes, used, keyEpoch, place });
      offset += bytes;
    }
    return blocks;
  }

  /** The key blocks of the present log, in their order. */
  #chain(): Block[] {
    const ofEpoch = this.#blocks.filter(
      ({ kind, keyEpoch }) => kind === BlockKind.Key && keyEpoch === this.#words.keyEpoch,
    );
    const chain = ofEpoch.toSorted((a, b) => a.place - b.place);
    chain.forEach(({ offset, place }, at) => {
      if (place === at) return;
      throw this.#file.corrupt(`place ${place} in the log where ${at} comes next`, offset + BLOCK.chain);
    });
    return chain;
  }

  #readRecords(block: Block): void {
    const start = block.offset + BLOCK.data;
    const bytes = this.#read(start, block.used);
    walkRecords(
      bytes,
      {
        series: (family, number, slot, _createdAt, _endedAt, _bytes, keyStart, keyEnd) => {
          const offset = start + keyStart - SERIES.key;
          this.#series(offset, family, number, slot, bytes.subarray(keyStart, keyEnd));
        },
        other: (kind, body, offset) => this.#other(kind, body, offset),
      },
      this.#file.file,
      start,
    );
  }

  #series(offset: number, family: number, block: number, slot: number, key: Uint8Array): void {
    const declared = this.#shapes.get(family);
    if (declared === undefined) {
      this.#report({ offset, reason: `a series of family ${family}, which is not declared` });
      return;
    }
    try {
      decodeKey(key, declared.labels);
    } catch (error) {
      this.#report({ offset: offset + SERIES.key, reason: describeError(error) });
    }
    this.#claim(offset, block, slot, declared.shape, `${family} ${Buffer.from(key).toString('latin1')}`);
  }

  #other(kind: number, body: () => unknown, offset: number): void {
    try {
      interpretRecord(kind, body, offset, this);
    } catch (error) {
      this.#report(error instanceof BadFileError ? problemOf(error) : { offset, reason: describeError(error) });
    }
  }

  family(record: FamilyRecord): void {
    this.#shapes.set(record.id, { shape: seriesShape(record), labels: record.labelNames.length });
  }

  removal({ block, slot }: Address, offset: number): void {
    if (this.#slots.remove(block, slot)) return;
    this.#report({ offset, reason: `the removal of a series at block ${block}, slot ${slot}, where none is` });
  }

  replacement(moves: Moves, offset: number): void {
    for (const [from, to] of moves) {
      if (!this.#slots.remove(from.block, from.slot)) {
        const place = `block ${from.block}, slot ${from.slot}`;
        this.#report({ offset, reason: `the move of a gauge at ${place}, where none is` });
      }
      this.#claim(offset, to.block, to.slot, GAUGE_SHAPE, `from ${from.block} ${from.slot}`);
    }
  }

  setDefaultLabels(): void {
    // every valid state is allowed here
  }

  attachment({ block, slot, role }: AttachmentBody, offset: number): void {
    this.#claim(offset, block, slot, attachmentShape(role));
  }

  archiveBody(): void {
    completed(verifySeal(this.#file));
  }

  #claim(offset: number, block: number, slot: number, shape: SlotShape, series?: string): void {
    if (!Number.isSafeInteger(block + slot + shape.slots) || slot < 0) {
      this.#report({ offset, reason: `slots at block ${block}, slot ${slot}, which is no place` });
      return;
    }
    const claim = { offset, block, slot, shape, series };
    this.#claims.push(claim);
    this.#slots.add(claim);
  }

  #checkClaim({ offset, block: number, slot, shape }: Claim): void {
    const block = this.#blocks[number];
    if (block === undefined || block.kind !== shape.kind) {
      const found = block === undefined ? 'is not there' : `is of kind ${block.kind}`;
      this.#report({ offset, reason: `slots of kind ${shape.kind} in block ${number}, which ${found}` });
      return;
    }
    const requiredBytes = (slot + shape.slots) * Float64Array.BYTES_PER_ELEMENT;
    if (requiredBytes > block.used) {
      const reason = `slot ${slot} is beyond what is used of block ${number}`;
      this.#report({ offset, reason, requiredBytes, availableBytes: block.used });
    }
  }

  #read(offset: number, length: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(length);
    this.#file.read(bytes, offset, 'the file');
    return bytes;
  }
}

/** Maps the slots of a file to the records that name them, in the order of its log. */
class NamedSlots {
  readonly #blocks = new Map<number, Map<number, Claim>>();
  readonly #takenTwice: { offset: number; slot: number; other: number }[] = [];

  get series(): number {
    let count = 0;
    for (const runs of this.#blocks.values()) for (const { series } of runs.values()) if (series !== undefined) count++;
    return count;
  }

  add(run: Claim): void {
    let runs = this.#blocks.get(run.block);
    if (runs === undefined) this.#blocks.set(run.block, (runs = new Map<number, Claim>()));
    const known = runs.get(run.slot);
    // a second record of a series marks it as idle, or takes the mark away
    const isSame = known !== undefined && known.series !== undefined && known.series === run.series;
    if (known !== undefined && !isSame) {
      this.#takenTwice.push({ offset: run.offset, slot: run.slot, other: known.offset });
    }
    runs.set(run.slot, run);
  }

  /** Returns false where no run begins there. */
  remove(block: number, slot: number): boolean {
    return this.#blocks.get(block)?.delete(slot) === true;
  }

  /** Runs that share slots with another run. */
  overlaps(): { readonly offset: number; readonly slot: number; readonly other: number }[] {
    const found = [...this.#takenTwice];
    for (const runs of this.#blocks.values()) {
      let before: Claim | undefined;
      for (const run of [...runs.values()].toSorted((a, b) => a.slot - b.slot)) {
        if (before !== undefined && before.slot + before.shape.slots > run.slot) {
          found.push({ offset: run.offset, slot: run.slot, other: before.offset });
        }
        before = run;
      }
    }
    return found;
  }
}

/** The problem that an error of reading describes. */
export function problemOf(error: unknown): FileProblem {
  if (!(error instanceof BadFileError)) return { offset: 0, reason: describeError(error) };
  const { offset, requiredBytes, availableBytes } = error.evidence;
  const reason = describeError(error).replace(/^.*? at byte \d+: /, '');
  return requiredBytes === undefined ? { offset, reason } : { offset, reason, requiredBytes, availableBytes };
}
