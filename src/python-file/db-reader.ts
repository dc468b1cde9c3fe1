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
import { widened } from '../model/widened.js';
import { fstatSync, readSync } from 'node:fs';
import { BadFileError } from '../errors.js';
import { InputFile } from '../metrics-file/input-file.js';

const HEAD_BYTES = 8;
const WORD_BYTES = Int32Array.BYTES_PER_ELEMENT;
const DOUBLE_BYTES = Float64Array.BYTES_PER_ELEMENT;
const DOUBLE_WORDS = DOUBLE_BYTES / WORD_BYTES;
/** `[`: every key is a JSON array. */
const KEY_BEGIN = 0x5b;
/** So many bytes are read at a time: they stay in a processor's cache until they are used. */
const STEP_BYTES = 256 * 1024;
/** New keys take longer. */
const KEYS_BYTES = 64 * 1024;
const STEP_DOUBLES = STEP_BYTES / DOUBLE_BYTES;
const MAX_ZERO_READS = 4;

/**
 * The key of the next entry is `words[from, to)`: the number of its bytes, these, and the spaces behind them. Valid during the
 * call. Returns a number that the reader keeps with the entry.
 */
export type KeyVisitor = (words: Int32Array, from: number, to: number) => number;

/**
 * The bytes that were read last, by any reader. With a buffer for each file, of its size, a third of the time went into memory
 * that was new and not cached.
 */
class Window {
  doubles = new Float64Array(0);
  words = new Int32Array(0);
  bytes = new Uint8Array(0);

  /** Makes room; one double more than asked for, so that a timestamp is never in another read than its value. */
  widen(bytes: number): void {
    if (this.bytes.length > bytes) return;
    this.doubles = new Float64Array(bytes / DOUBLE_BYTES + 1);
    this.words = new Int32Array(this.doubles.buffer);
    this.bytes = new Uint8Array(this.doubles.buffer);
  }

  /** Gives back the memory that one large entry needed. */
  shrink(): void {
    this.bytes = new Uint8Array(0);
    this.widen(STEP_BYTES);
  }
}

const WINDOW = new Window();

export class DbReader extends InputFile {
  /** Seconds since the epoch when the file was made, as far as the file system tells. */
  readonly bornAt: number;
  /** Fingerprint of the file when it was opened: a repaired file, or another file of this name, has a different one. */
  readonly fingerprint: string;
  #hasTimestamps: boolean | undefined;
  /** Up to here entries were read. */
  #end = HEAD_BYTES;
  /** From here on the last `readKeys` has read the values too. */
  #freshFrom = HEAD_BYTES;
  entries = 0;
  /** Per entry, in doubles from the beginning of the file. */
  #places = new Int32Array(64);
  /** Per entry what the visitor returned. */
  numbers = new Int32Array(64);
  /** Per entry the value that was read last. */
  values = new Float64Array(64);
  /** Per entry its timestamp; none where the file has none. */
  timestamps = new Float64Array(0);

  /** @throws {BadFileError} or the system's error where the file cannot be opened */
  constructor(file: string) {
    super(file);
    const { ino, size, birthtimeMs, mtimeMs } = fstatSync(this.fd);
    this.bornAt = (birthtimeMs > 0 ? birthtimeMs : mtimeMs) / 1000;
    this.fingerprint = [ino, size, mtimeMs].join();
  }

  /** Makes the next `readKeys` start from the first entry. */
  rewind(): void {
    this.#end = HEAD_BYTES;
    this.entries = 0;
  }

  /** Bytes that were read. */
  get usedBytes(): number {
    return this.#end;
  }

  /**
   * Passes on the keys of the entries that were added since the last call, and reads their values. Pauses between the parts of
   * a long file. Another reader may use the window in a pause: its bytes are not used after one.
   *
   * @throws {BadFileError} ERR_NOT_A_METRICS_FILE or ERR_CORRUPT_FILE
   * @throws the first error of the visitor, if the entries fit the layout
   */
  *readKeys(visit: KeyVisitor): Generator<void, void> {
    const used = this.#readUsed();
    this.#freshFrom = this.#end;
    if (used === this.#end) return;
    if (used < this.#end) throw this.corrupt(`${used} bytes are in use, where ${this.#end} were`, 0);
    if (this.#hasTimestamps === undefined) yield* this.#findLayout(used, visit);
    else if (!(yield* this.#readEntries(used, this.#hasTimestamps, visit))) {
      throw this.corrupt('an entry is cut off', this.#end);
    }
    this.#end = used;
  }

  /** Reads the values of all entries that are known, except those that the last `readKeys` has read. Pauses as it does. */
  *readValues(): Generator<void, void> {
    const doubles = this.#freshFrom / DOUBLE_BYTES;
    this.#freshFrom = this.#end;
    for (let entry = 0, from = HEAD_BYTES / DOUBLE_BYTES; from < doubles; from += STEP_DOUBLES) {
      const count = Math.min(STEP_DOUBLES + 1, doubles - from);
      WINDOW.widen(STEP_BYTES);
      this.read(WINDOW.bytes.subarray(0, count * DOUBLE_BYTES), from * DOUBLE_BYTES, 'an entry');
      entry = this.#take(entry, from, Math.min(from + STEP_DOUBLES, doubles));
      if (from + STEP_DOUBLES < doubles) yield;
    }
  }

  /**
   * Takes the values of entries out of the window.
   *
   * @param from where the window begins, in doubles from the beginning of the file
   * @returns the first entry from `to` on
   */
  #take(entry: number, from: number, to: number): number {
    const [places, values, { doubles }] = [this.#places, this.values, WINDOW];
    const timestamps = this.#hasTimestamps === true ? this.timestamps : undefined;
    for (; entry < this.entries && places[entry] < to; entry++) {
      const at = places[entry] - from;
      const value = doubles[at];
      values[entry] = value === 0 && values[entry] !== 0 ? this.#confirmedZero(places[entry]) : value;
      if (timestamps !== undefined) timestamps[entry] = doubles[at + 1];
    }
    return entry;
  }

  #confirmedZero(place: number): number {
    const value = new Float64Array(1);
    for (let again = 0; again < MAX_ZERO_READS && value[0] === 0; again++) {
      this.read(new Uint8Array(value.buffer), place * DOUBLE_BYTES, 'an entry');
    }
    return value[0];
  }

  #readUsed(): number {
    const head = new Int32Array(HEAD_BYTES / WORD_BYTES);
    const got = readSync(this.fd, head, 0, HEAD_BYTES, 0);
    if (got < HEAD_BYTES) {
      const reason = got === 0 ? 'is empty' : 'is shorter than the head of a .db file';
      throw new BadFileError('ERR_NOT_A_METRICS_FILE', reason, { file: this.file, offset: 0 });
    }
    const [used] = head;
    // made, and not written to yet
    if (used === 0 && this.#end === HEAD_BYTES) return HEAD_BYTES;
    const { size } = fstatSync(this.fd);
    if (used < HEAD_BYTES || used % DOUBLE_BYTES !== 0) throw this.corrupt(`${used} bytes are in use`, 0);
    if (used > size) throw this.corrupt('the file is cut off', 0, used, size);
    return used;
  }

  *#findLayout(used: number, visit: KeyVisitor): Generator<void, void> {
    for (const hasTimestamps of [true, false]) {
      this.#hasTimestamps = hasTimestamps;
      if (yield* this.#readEntries(used, hasTimestamps, visit)) return;
      this.entries = 0;
    }
    this.#hasTimestamps = undefined;
    throw this.corrupt('the entries fit neither layout of .db files', HEAD_BYTES);
  }

  /**
   * Reads the entries up to `used`. Returns whether they end there.
   *
   * @throws the first error of the visitor, if they do
   */
  *#readEntries(used: number, hasTimestamps: boolean, visit: KeyVisitor): Generator<void, boolean> {
    const tail = hasTimestamps ? 2 * DOUBLE_WORDS : DOUBLE_WORDS;
    let failure: { readonly error: unknown } | undefined;
    let step = KEYS_BYTES;
    for (let position = this.#end; position < used;) {
      WINDOW.widen(step);
      const length = Math.min(step, used - position);
      this.read(WINDOW.bytes.subarray(0, length), position, 'an entry');
      const { words, doubles } = WINDOW;
      const [limit, rest] = [length / WORD_BYTES, (used - position) / WORD_BYTES];
      let at = 0;
      // the end of the read is not always that of an entry
      while (at < limit) {
        const value = valueAt(WINDOW, at, rest);
        if (value < 0 || value + tail > rest) return false;
        if (value + tail > limit) {
          if (at === 0) step = (value + tail) * WORD_BYTES;
          break;
        }
        try {
          if (failure === undefined) {
            const place = position / DOUBLE_BYTES + value / DOUBLE_WORDS;
            this.#add(place, visit(words, at, value), doubles, value / DOUBLE_WORDS);
          }
        } catch (error) {
          // such a key is an error only in the right layout
          failure = { error };
        }
        at = value + tail;
      }
      position += at * WORD_BYTES;
      if (position < used) yield;
    }
    if (step > STEP_BYTES) WINDOW.shrink();
    if (failure !== undefined) throw failure.error;
    return true;
  }

  /** @param at of the value, in the doubles that were read */
  #add(place: number, number: number, doubles: Float64Array, at: number): void {
    const entry = this.entries;
    if (entry === this.#places.length) {
      this.#places = widened(this.#places);
      this.numbers = widened(this.numbers);
      this.values = widened(this.values);
    }
    this.#places[entry] = place;
    this.numbers[entry] = number;
    this.values[entry] = doubles[at];
    if (this.#hasTimestamps === true) {
      if (this.timestamps.length < this.values.length) {
        this.timestamps = widened(this.timestamps, this.values.length);
      }
      this.timestamps[entry] = doubles[at + 1];
    }
    this.entries++;
  }
}

/** Where the value of the entry at `at` is, in words; -1 where there is no entry. Entries begin at multiples of 8 bytes. */
function valueAt({ words, bytes }: Window, at: number, limit: number): number {
  if (bytes[(at + 1) * WORD_BYTES] !== KEY_BEGIN) return -1;
  const length = words[at] >>> 0;
  if (length > (limit - at) * WORD_BYTES) return -1;
  // behind the key are one to eight spaces
  return at + DOUBLE_WORDS * (Math.floor((WORD_BYTES + length) / DOUBLE_BYTES) + 1);
}
