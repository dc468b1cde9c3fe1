import { widened } from '../model/widened.js';
import type { Hole } from './protobuf-message.js';
import { increase, type WireBuffer } from './wire.js';

/** Numbers per insertion. */
const FIELDS = 7;
const FIRST_NUMBERS = 64 * FIELDS;

/** A place in the bytes where a length is, and its width. */
interface LengthPlace {
  readonly at: number;
  readonly width: number;
}

/** Bytes to insert: `bytes[start, end)` of a buffer. */
interface Insertion {
  readonly from: WireBuffer;
  readonly start: number;
  readonly end: number;
}

/**
 * Inserts bytes into messages, in ascending order, and increases the lengths of the messages around them. It is used again and
 * again: with new lists, and a new copy of the bytes, the garbage collector took as long as the rest of a render.
 */
export class Splice {
  #size = 0;
  #inserted = 0;
  // per insertion: its series, offset from which its hole is counted, offsets of lengths, start and end of its bytes
  #numbers = new Int32Array(FIRST_NUMBERS);
  readonly #holes: Hole[] = [];
  readonly #sources: WireBuffer[] = [];
  #out: Buffer = Buffer.alloc(0);

  get size(): number {
    return this.#size;
  }

  clear(): void {
    this.#size = this.#inserted = 0;
  }

  /** The next bytes are written to other memory. */
  leaveMemory(spare: SharedArrayBuffer | undefined): void {
    this.#out = spare === undefined ? Buffer.alloc(0) : Buffer.from(spare);
  }

  /**
   * @param series its number
   * @param base the offset that holes are counted from
   * @param family the offset of the length of the family
   * @param message the offset of the length of the series, and the width of this length
   */
  add(series: number, base: number, family: number, message: LengthPlace, hole: Hole, insertion: Insertion): void {
    const at = this.#size++;
    if (FIELDS * at === this.#numbers.length) this.#numbers = widened(this.#numbers);
    const first = FIELDS * at;
    this.#numbers[first] = series;
    this.#numbers[first + 1] = base;
    this.#numbers[first + 2] = family;
    this.#numbers[first + 3] = message.at;
    this.#numbers[first + 4] = message.width;
    this.#numbers[first + 5] = insertion.start;
    this.#numbers[first + 6] = insertion.end;
    this.#holes[at] = hole;
    this.#sources[at] = insertion.from;
    this.#inserted += insertion.end - insertion.start;
  }

  /**
   * Returns the bytes with the insertions; the next call overwrites them.
   *
   * @param familyWidth the width of the length of a family
   */
  into(from: Buffer, familyWidth: number): Uint8Array {
    const length = from.length + this.#inserted;
    if (this.#out.length < length) this.#out = Buffer.from(new SharedArrayBuffer(length + (length >> 3)));
    const out = this.#out;
    const numbers = this.#numbers;
    let copied = 0;
    let shift = 0;
    let [series, seriesShift] = [-1, 0];
    let [family, familyShift] = [-1, 0];
    for (let each = 0, field = 0; each < this.#size; each++, field += FIELDS) {
      const { at: holeAt, lengths } = this.#holes[each];
      const base = numbers[field + 1];
      const at = base + holeAt;
      const start = numbers[field + 5];
      const end = numbers[field + 6];
      const added = end - start;
      copy(from, copied, at, out, copied + shift);
      copy(this.#sources[each].bytes, start, end, out, at + shift);
      copied = at;
      if (numbers[field] !== series) {
        series = numbers[field];
        seriesShift = shift;
      }
      if (numbers[field + 2] !== family) {
        if (family >= 0) increase(out, family + familyShift, familyWidth, shift - familyShift);
        family = numbers[field + 2];
        familyShift = shift;
      }
      increase(out, numbers[field + 3] + seriesShift, numbers[field + 4], added);
      // the first of them is before all holes of the series, the others behind the last insertion
      for (let level = 0; level < lengths.length; level++) {
        const { at: lengthAt, width } = lengths[level];
        increase(out, base + lengthAt + (level === 0 ? seriesShift : shift), width, added);
      }
      shift += added;
    }
    if (family >= 0) increase(out, family + familyShift, familyWidth, shift - familyShift);
    copy(from, copied, from.length, out, copied + shift);
    return out.subarray(0, length);
  }
}

/** A loop copies up to this many bytes faster than a call does. */
const LOOP_BYTES = 256;

function copy(from: Buffer, start: number, end: number, into: Buffer, at: number): void {
  if (end - start > LOOP_BYTES) from.copy(into, at, start, end);
  else for (let next = start, to = at; next < end; next++, to++) into[to] = from[next];
}
