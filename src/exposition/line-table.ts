/**
 * Renders the same lines again and again with other values, into the text of the previous render. A value with as many
 * digits as before is overwritten in place; only if some values have another length, the text between them is moved. No
 * second copy of the line prefixes is kept. 50,000 lines with all values changed take 2 to 4 ms, and took 10 when every line
 * was copied (Node 20).
 */
import { widened } from '../model/widened.js';
import { MAX_NUMBER_BYTES, writeNumber } from './number.js';
import { MIN_SHARED_BYTES, sharedCopy } from './shared-memory.js';

export class LineTable {
  #text: Buffer = Buffer.alloc(64 * 1024);
  #length = 0;
  /**
   * Per line: the offset of its value, the length of the value and of the rest of the line, and the value that is written
   * there.
   */
  #valueAt = new Int32Array(1024);
  #valueLength = new Int32Array(1024);
  #shown = new Float64Array(1024);
  #tails: (string | undefined)[] = [];
  readonly #number = Buffer.alloc(MAX_NUMBER_BYTES);
  #lines = 0;
  #expectedLines = 0;

  /**
   * Prepares for lines that the caller will add.
   *
   * @param spare memory to use
   */
  begin(lines: number, spare: SharedArrayBuffer | undefined): void {
    this.#expectedLines = lines;
    if (spare !== undefined) this.#text = Buffer.from(spare);
  }

  get lines(): number {
    return this.#lines;
  }

  /** Adds text that never changes, such as a family's header. */
  addText(text: string): void {
    this.#room(text.length * 3);
    this.#length += this.#text.write(text, this.#length);
  }

  addLine(prefix: string, value: number): void {
    this.addText(prefix);
    this.#addValue(value);
  }

  /** The same for a line whose prefix is in two pieces. @param end of the bytes that belong to it */
  addLineOf(head: Uint8Array, labels: Uint8Array, end: number, tail: Uint8Array, value: number): void {
    this.#room(head.length + end + tail.length);
    const text = this.#text;
    let to = this.#length;
    for (let at = 0; at < head.length; at++) text[to++] = head[at];
    for (let at = 0; at < end; at++) text[to++] = labels[at];
    for (let at = 0; at < tail.length; at++) text[to++] = tail[at];
    this.#length = to;
    this.#addValue(value);
  }

  #addValue(value: number): void {
    if (this.#lines === this.#shown.length) this.#widen();
    this.#room(MAX_NUMBER_BYTES + 1);
    const end = writeNumber(this.#text, this.#length, value);
    this.#valueAt[this.#lines] = this.#length;
    this.#valueLength[this.#lines] = end - this.#length;
    this.#shown[this.#lines] = value;
    this.#text[end] = 0x0a;
    this.#length = end + 1;
    this.#lines++;
  }

  /** Moves the text to other memory. @param spare memory to use, if it is large enough */
  leaveMemory(spare?: SharedArrayBuffer): void {
    this.#text = sharedCopy(this.#text.subarray(0, this.#length), spare);
  }

  /**
   * Returns the text with these values, which are in the order of the lines.
   *
   * @param tails sparse; per line the text that follows its value, such as an exemplar
   * @returns a view of memory that the next `render` overwrites: copy it to keep it
   */
  render(values: Float64Array, tails: readonly (string | undefined)[] = []): Uint8Array {
    const text = this.#text;
    const shown = this.#shown;
    const moved: number[] = [];
    for (let line = 0; line < this.#lines; line++) {
      const value = values[line];
      const same = value === shown[line] || (value !== value && shown[line] !== shown[line]);
      const tail = tails[line];
      if (tail !== this.#tails[line]) {
        shown[line] = value;
        this.#tails[line] = tail;
        moved.push(line);
        continue;
      }
      if (same) continue;
      shown[line] = value;
      const length = writeNumber(this.#number, 0, value);
      if (length !== this.#valueLength[line] || tail !== undefined) {
        moved.push(line);
        continue;
      }
      const at = this.#valueAt[line];
      for (let digit = 0; digit < length; digit++) text[at + digit] = this.#number[digit];
    }
    if (moved.length > 0) this.#move(moved);
    return this.#text.subarray(0, this.#length);
  }

  /**
   * Moves the text between values and tails whose lengths changed, in place: first the pieces that move to the left, the left one first,
   * then those that move to the right, the right one first. So no piece overwrites another one that has not moved yet.
   */
  #move(moved: readonly number[]): void {
    const added = this.#addedLengths(moved);
    const total = added.reduce((sum, bytes) => sum + bytes, 0);
    this.#room(total);
    const text = this.#text;
    let shift = 0;
    for (let piece = 0; piece <= moved.length; piece++) {
      const [start, end] = this.#piece(moved, piece);
      if (shift < 0) move(text, start, end, shift);
      if (piece < moved.length) shift += added[piece];
    }
    for (let piece = moved.length; piece >= 0; piece--) {
      const [start, end] = this.#piece(moved, piece);
      if (shift > 0) move(text, start, end, shift);
      if (piece > 0) shift -= added[piece - 1];
    }
    this.#length += total;
    let line = 0;
    for (let at = 0; at < moved.length; at++) {
      for (; line <= moved[at]; line++) this.#valueAt[line] += shift;
      shift += added[at];
      this.#writeValue(moved[at], this.#valueLength[moved[at]] + added[at]);
    }
    for (; line < this.#lines; line++) this.#valueAt[line] += shift;
  }

  /** The text between two moved lines' values, as it was before the move. */
  #piece(moved: readonly number[], piece: number): readonly [start: number, end: number] {
    const before = moved[piece - 1];
    const start = piece === 0 ? 0 : this.#valueAt[before] + this.#valueLength[before];
    return [start, piece === moved.length ? this.#length : this.#valueAt[moved[piece]]];
  }

  /** By how many bytes the value and the tail of each line become longer. */
  #addedLengths(moved: readonly number[]): Int32Array {
    return Int32Array.from(moved, (line) => {
      const length = writeNumber(this.#number, 0, this.#shown[line]);
      return length + Buffer.byteLength(this.#tails[line] ?? '') - this.#valueLength[line];
    });
  }

  #writeValue(line: number, length: number): void {
    const at = this.#valueAt[line];
    const end = writeNumber(this.#text, at, this.#shown[line]);
    const tail = this.#tails[line];
    if (tail !== undefined) this.#text.write(tail, end);
    this.#valueLength[line] = length;
  }

  #room(bytes: number): void {
    const length = this.#length + bytes;
    if (length <= this.#text.length) return;
    // the lines that follow are about as long: to double a text of 70 MB again and again left as much garbage
    const expected = Math.ceil((this.#length / Math.max(1, this.#lines)) * this.#expectedLines);
    const room = Math.max(length, expected) + (Math.max(length, expected) >> 4);
    const text = this.#text.subarray(0, this.#length);
    this.#text = room < MIN_SHARED_BYTES ? Buffer.alloc(2 * room) : sharedCopy(text, undefined, room);
    if (room < MIN_SHARED_BYTES) this.#text.set(text);
  }

  #widen(): void {
    this.#valueAt = widened(this.#valueAt);
    this.#valueLength = widened(this.#valueLength);
    this.#shown = widened(this.#shown);
  }
}

/** A loop moves up to this many bytes faster than a call does. */
const LOOP_BYTES = 96;

function move(text: Buffer, start: number, end: number, shift: number): void {
  if (end - start > LOOP_BYTES) text.copyWithin(start + shift, start, end);
  else if (shift < 0) for (let at = start; at < end; at++) text[at + shift] = text[at];
  else for (let at = end - 1; at >= start; at--) text[at + shift] = text[at];
}
