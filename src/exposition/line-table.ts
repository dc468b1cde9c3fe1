/**
 * Renders the same lines again and again with other values. The text rendered last is what the next is made from: runs of
 * lines whose values are the same are copied at once, and a changed value costs its digits. There is no cache of prefixes
 * beside it.
 */
import { LONGEST_NUMBER, writeNumber } from './number.js';

export class LineTable {
  #text: Buffer = Buffer.alloc(64 * 1024);
  #length = 0;
  /** Per line: where its value is in the text, how long it and what follows it on the line are, what it says. */
  #valueAt = new Int32Array(1024);
  #valueLength = new Int32Array(1024);
  #shown = new Float64Array(1024);
  #tails: (string | undefined)[] = [];
  #lines = 0;

  get lines(): number {
    return this.#lines;
  }

  /** Adds text that is the same every time, such as a family's header. */
  addText(text: string): void {
    this.#room(text.length * 3);
    this.#length += this.#text.write(text, this.#length);
  }

  /** Adds a line up to its value. Values are 0 until `render`. */
  addLine(prefix: string): void {
    this.addText(prefix);
    if (this.#lines === this.#shown.length) this.#widen();
    this.#room(2);
    this.#valueAt[this.#lines] = this.#length;
    this.#valueLength[this.#lines] = 1;
    this.#shown[this.#lines] = 0;
    this.#text[this.#length++] = 0x30;
    this.#text[this.#length++] = 0x0a;
    this.#lines++;
  }

  /**
   * The text with the values of all lines in their order.
   *
   * @param tails per line what follows its value, such as an exemplar; sparse
   * @returns a view of memory that the next `render` leaves alone
   */
  render(values: Float64Array, tails: readonly (string | undefined)[] = []): Uint8Array {
    const from = this.#text;
    const shown = this.#shown;
    let into = Buffer.allocUnsafeSlow(this.#length + 8 * this.#lines + 1024);
    let at = 0;
    let copied = 0;
    for (let line = 0; line < this.#lines; line++) {
      const value = values[line];
      const tail = tails[line];
      // oxlint-disable-next-line no-self-compare -- two NaN are the same line
      const same = value === shown[line] || (value !== value && shown[line] !== shown[line]);
      const valueAt = this.#valueAt[line];
      if (same && tail === this.#tails[line]) {
        this.#valueAt[line] = at + valueAt - copied;
        continue;
      }
      const wanted = at + (this.#length - copied) + LONGEST_NUMBER + (tail === undefined ? 0 : 3 * tail.length);
      if (wanted > into.length) {
        const wider = Buffer.allocUnsafeSlow(2 * wanted);
        into.copy(wider, 0, 0, at);
        into = wider;
      }
      at = copy(from, into, copied, valueAt, at);
      copied = valueAt + this.#valueLength[line];
      this.#valueAt[line] = at;
      const start = at;
      at = writeNumber(into, at, value);
      if (tail !== undefined) at += into.write(tail, at);
      this.#valueLength[line] = at - start;
      shown[line] = value;
      if (tail !== undefined || this.#tails[line] !== undefined) this.#tails[line] = tail;
    }
    at = copy(from, into, copied, this.#length, at);
    this.#text = into;
    this.#length = at;
    return into.subarray(0, at);
  }

  #room(bytes: number): void {
    if (this.#length + bytes <= this.#text.length) return;
    const wider = Buffer.allocUnsafeSlow(Math.max(2 * this.#text.length, this.#length + bytes));
    this.#text.copy(wider, 0, 0, this.#length);
    this.#text = wider;
  }

  #widen(): void {
    const length = 2 * this.#shown.length;
    const [valueAt, valueLength, shown] = [this.#valueAt, this.#valueLength, this.#shown];
    this.#valueAt = new Int32Array(length);
    this.#valueAt.set(valueAt);
    this.#valueLength = new Int32Array(length);
    this.#valueLength.set(valueLength);
    this.#shown = new Float64Array(length);
    this.#shown.set(shown);
  }
}

/** Up to this many bytes a loop is faster than the call of a copy. */
const LOOP_BYTES = 96;

function copy(from: Buffer, into: Buffer, start: number, end: number, at: number): number {
  if (end - start > LOOP_BYTES) {
    from.copy(into, at, start, end);
    return at + end - start;
  }
  for (let next = start; next < end; next++) into[at++] = from[next];
  return at;
}
