import { DELIMITER_WIDTH, type Hole, WIDE_LENGTH_WIDTH } from './protobuf-message.js';
import { increase } from './wire.js';

/** Offsets of a series in the bytes before the splice: of its values, of its length, and of the length of its family. */
interface SeriesPlace {
  readonly valuesAt: number;
  readonly lengthAt: number;
  readonly familyAt: number;
}

/**
 * Copies messages with other bytes in some of their holes, which the caller names in ascending order, and increases the lengths
 * of the messages around them. The copy is made in the same memory again and again: with a new copy, the garbage collector took
 * as long as the rest of a render.
 */
export class Splice {
  #from: Buffer = Buffer.alloc(0);
  #out: Buffer = Buffer.alloc(0);
  #copied = 0;
  /** By how many bytes the copy is longer so far, and was at the beginning of the present series and family. */
  #shift = 0;
  #seriesShift = 0;
  #familyShift = 0;
  #seriesAt = -1;
  #familyAt = -1;

  /** @param added how many bytes will be added, if that is known */
  begin(from: Buffer, added = 0): void {
    this.#from = from;
    this.#copied = this.#shift = 0;
    this.#seriesAt = this.#familyAt = -1;
    this.#room(from.length + added);
  }

  get shift(): number {
    return this.#shift;
  }

  /** The next copy is made in other memory. */
  leaveMemory(spare: SharedArrayBuffer | undefined): void {
    this.#out = spare === undefined ? Buffer.alloc(0) : Buffer.from(spare);
  }

  /** @param former length of the bytes that are in the hole */
  put(series: SeriesPlace, hole: Hole, bytes: Uint8Array, former = 0): void {
    const { valuesAt, lengthAt, familyAt } = series;
    const added = bytes.length - former;
    this.#room(this.#from.length + this.#shift + added);
    const out = this.#out;
    const at = valuesAt + hole.at;
    copy(this.#from, this.#copied, at, out, this.#copied + this.#shift);
    copy(bytes, 0, bytes.length, out, at + this.#shift);
    this.#copied = at + former;
    if (lengthAt !== this.#seriesAt) {
      this.#seriesAt = lengthAt;
      this.#seriesShift = this.#shift;
    }
    if (familyAt !== this.#familyAt) {
      this.#endFamily();
      this.#familyAt = familyAt;
      this.#familyShift = this.#shift;
    }
    increase(out, lengthAt + this.#seriesShift, WIDE_LENGTH_WIDTH, added);
    // the first of them is before all holes of the series, the others behind the last bytes that were put
    hole.lengths.forEach((length, level) => {
      const shift = level === 0 ? this.#seriesShift : this.#shift;
      increase(out, valuesAt + length.at + shift, length.width, added);
    });
    this.#shift += added;
  }

  /** Returns the copy; the next one overwrites it. */
  end(): Buffer {
    this.#endFamily();
    const { length } = this.#from;
    copy(this.#from, this.#copied, length, this.#out, this.#copied + this.#shift);
    return this.#out.subarray(0, length + this.#shift);
  }

  #endFamily(): void {
    if (this.#familyAt < 0) return;
    increase(this.#out, this.#familyAt + this.#familyShift, DELIMITER_WIDTH, this.#shift - this.#familyShift);
  }

  #room(bytes: number): void {
    if (bytes <= this.#out.length) return;
    const wider = Buffer.from(new SharedArrayBuffer(bytes + (bytes >> 3)));
    this.#out.copy(wider, 0, 0, this.#copied + this.#shift);
    this.#out = wider;
  }
}

/** A loop copies up to this many bytes faster than a call does. */
const LOOP_BYTES = 256;

function copy(from: Uint8Array, start: number, end: number, into: Buffer, at: number): void {
  if (end - start > LOOP_BYTES) into.set(from.subarray(start, end), at);
  else for (let next = start, to = at; next < end; next++, to++) into[to] = from[next];
}
