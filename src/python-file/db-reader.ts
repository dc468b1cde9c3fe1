/**
 * Reads client_python's `.db` files by plain reads, while their process writes through its mapping. The bytes, in the byte
 * order of the machine:
 *
 * ```
 * file  := used u32, 4 bytes, entry*         bytes from `used` on are not written yet
 * entry := keyLength u32, key, spaces up to a multiple of 8 and at least one, value f64, [timestamp f64]
 * ```
 *
 * Since 0.18 every entry has a timestamp. No byte tells which layout a file has: the right one is that whose entries end
 * exactly at `used` with a key that begins as JSON arrays do in each of them.
 *
 * A writer stores a new entry before it raises `used`, and a file only grows. An aligned double is stored at once by the
 * releases of today; those before 0.16 stored a zero first, so that a zero which was another number before counts only when
 * a second read has it too.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { BadFileError } from '../errors.js';
import { openAgain, openForReading } from '../metrics-file/header.js';
import { LITTLE_ENDIAN } from '../model/byte-order.js';

const HEAD_BYTES = 8;
const DOUBLE_BYTES = Float64Array.BYTES_PER_ELEMENT;
/** `[`: every key is a JSON array. */
const KEY_BEGIN = 0x5b;
/** 1 MiB is read at a time. */
const STEP_DOUBLES = 128 * 1024;
const MAX_ZERO_READS = 4;

export interface KeyVisitor {
  /** The key of the next entry is `bytes[start, end)`; valid during the call. */
  (bytes: Buffer, start: number, end: number): void;
}

export class DbReader {
  readonly file: string;
  readonly uid: number;
  /** Seconds since the epoch when the file was made, as far as the file system tells. */
  readonly bornAt: number;
  /** Of the file as it was opened: another file, or a mended one, has another. */
  readonly fingerprint: string;
  readonly #inode: number;
  #fd: number;
  #hasTimestamps: boolean | undefined;
  /** Up to here entries were read. */
  #end = HEAD_BYTES;
  #entries = 0;
  /** Per entry, in doubles from the beginning of the file. */
  #places = new Int32Array(64);
  /** Per entry the value that was read last, and its timestamp where the file has them. */
  values = new Float64Array(64);
  timestamps = new Float64Array(64);

  /** @throws {BadFileError} or the system's error where the file cannot be opened */
  constructor(file: string) {
    this.file = file;
    this.#fd = openForReading(file);
    const { ino, uid, size, birthtimeMs, mtimeMs } = fstatSync(this.#fd);
    this.#inode = ino;
    this.uid = uid;
    this.bornAt = (birthtimeMs > 0 ? birthtimeMs : mtimeMs) / 1000;
    this.fingerprint = [ino, size, mtimeMs].join();
  }

  /** Opens the file again if need be. @throws the system's error; ENOENT too where it is another file now */
  get fd(): number {
    if (this.#fd < 0) this.#fd = openAgain(this.file, this.#inode);
    return this.#fd;
  }

  get entries(): number {
    return this.#entries;
  }

  /** Bytes that were read. */
  get usedBytes(): number {
    return this.#end;
  }

  get hasTimestamps(): boolean {
    return this.#hasTimestamps === true;
  }

  /** Makes the next `readKeys` start from the first entry. */
  rewind(): void {
    this.#end = HEAD_BYTES;
    this.#entries = 0;
  }

  /**
   * Hands over the keys of the entries that were added since the last call.
   *
   * @throws {BadFileError} ERR_NOT_A_METRICS_FILE or ERR_CORRUPT_FILE
   */
  readKeys(visit: KeyVisitor): void {
    const used = this.#readUsed();
    if (used === this.#end) return;
    if (used < this.#end) throw this.#corrupt(`${used} bytes are in use, where ${this.#end} were`, 0);
    const start = this.#end;
    const bytes = Buffer.allocUnsafe(used - start);
    this.#read(bytes, start);
    this.#hasTimestamps ??= this.#layoutOf(bytes);
    const tail = this.#hasTimestamps ? 2 * DOUBLE_BYTES : DOUBLE_BYTES;
    for (let at = 0; at < bytes.length;) {
      const value = valueAt(bytes, at);
      if (value < 0 || value + tail > bytes.length) throw this.#corrupt('an entry is cut off', start + at);
      this.#add((start + value) / DOUBLE_BYTES);
      visit(bytes, at + 4, at + 4 + lengthAt(bytes, at));
      at = value + tail;
    }
    this.#end = used;
  }

  /** Reads the values of all entries whose keys were handed over. */
  readValues(): void {
    const doubles = this.#end / DOUBLE_BYTES;
    // one more double than a step, so that a timestamp is never in another read than its value
    const chunk = new Float64Array(Math.min(STEP_DOUBLES + 1, doubles));
    for (let entry = 0, from = 0; entry < this.#entries; from += STEP_DOUBLES) {
      const count = Math.min(chunk.length, doubles - from);
      this.#read(new Uint8Array(chunk.buffer, 0, count * DOUBLE_BYTES), from * DOUBLE_BYTES);
      entry = this.#take(entry, chunk, from);
    }
  }

  /** Gives the descriptor back until the next read. */
  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  /** Takes the values out of the doubles of the file from `from` on; returns the first entry of the next step. */
  #take(entry: number, chunk: Float64Array, from: number): number {
    const [places, values] = [this.#places, this.values];
    const timestamps = this.#hasTimestamps === true ? this.timestamps : undefined;
    const to = from + STEP_DOUBLES;
    for (; entry < this.#entries && places[entry] < to; entry++) {
      const at = places[entry] - from;
      const value = chunk[at];
      values[entry] = value === 0 && values[entry] !== 0 ? this.#confirmedZero(places[entry]) : value;
      if (timestamps !== undefined) timestamps[entry] = chunk[at + 1];
    }
    return entry;
  }

  #confirmedZero(place: number): number {
    const value = new Float64Array(1);
    for (let again = 0; again < MAX_ZERO_READS && value[0] === 0; again++) {
      this.#read(new Uint8Array(value.buffer), place * DOUBLE_BYTES);
    }
    return value[0];
  }

  #readUsed(): number {
    const head = Buffer.alloc(HEAD_BYTES);
    const got = readSync(this.fd, head, 0, HEAD_BYTES, 0);
    if (got < HEAD_BYTES) {
      const reason = got === 0 ? 'is empty' : 'is shorter than the head of a .db file';
      throw new BadFileError('ERR_NOT_A_METRICS_FILE', reason, { file: this.file, offset: 0 });
    }
    const used = lengthAt(head, 0) | 0;
    // made, and not written to yet
    if (used === 0 && this.#end === HEAD_BYTES) return HEAD_BYTES;
    const { size } = fstatSync(this.fd);
    if (used < HEAD_BYTES || used % DOUBLE_BYTES !== 0) throw this.#corrupt(`${used} bytes are in use`, 0);
    if (used > size) throw this.#corrupt('the file is cut off', 0, used, size);
    return used;
  }

  /** Whether entries have timestamps. */
  #layoutOf(bytes: Buffer): boolean {
    if (endsExactly(bytes, 2 * DOUBLE_BYTES)) return true;
    if (endsExactly(bytes, DOUBLE_BYTES)) return false;
    throw this.#corrupt('the entries fit neither layout of .db files', HEAD_BYTES);
  }

  #add(place: number): void {
    if (this.#entries === this.#places.length) {
      this.#places = widened(this.#places, new Int32Array(2 * this.#entries));
      this.values = widened(this.values, new Float64Array(2 * this.#entries));
      this.timestamps = widened(this.timestamps, new Float64Array(2 * this.#entries));
    }
    this.#places[this.#entries] = place;
    this.values[this.#entries] = 0;
    this.timestamps[this.#entries] = 0;
    this.#entries++;
  }

  #read(bytes: Uint8Array, position: number): void {
    const got = readSync(this.fd, bytes, 0, bytes.length, position);
    if (got < bytes.length) throw this.#corrupt('the file is cut off', position, bytes.length, got);
  }

  #corrupt(reason: string, offset: number, requiredBytes?: number, availableBytes?: number): BadFileError {
    return new BadFileError('ERR_CORRUPT_FILE', reason, { file: this.file, offset, requiredBytes, availableBytes });
  }
}

function lengthAt(bytes: Buffer, at: number): number {
  return LITTLE_ENDIAN ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
}

/** Where the value of the entry at `at` is; -1 where there is no entry. Entries begin at multiples of 8. */
function valueAt(bytes: Buffer, at: number): number {
  if (at + DOUBLE_BYTES > bytes.length || bytes[at + 4] !== KEY_BEGIN) return -1;
  const length = lengthAt(bytes, at);
  return length > bytes.length - at ? -1 : at + 4 + length + (DOUBLE_BYTES - ((length + 4) % DOUBLE_BYTES));
}

function endsExactly(bytes: Buffer, tail: number): boolean {
  let at = 0;
  while (at < bytes.length) {
    const value = valueAt(bytes, at);
    if (value < 0) return false;
    at = value + tail;
  }
  return at === bytes.length;
}

function widened<T extends Int32Array | Float64Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
