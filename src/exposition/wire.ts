/**
 * The parts of the protobuf wire format that an exposition needs: protobuf.dev/programming-guides/encoding.
 *
 * Integers that change from one scrape to the next have a fixed width: a varint may have more bytes than it needs, and every
 * decoder accepts it (tested with Prometheus 2.42 and 3.5, and protobufjs). So a new value overwrites the old one in place, and no
 * other byte moves.
 */
const Wire = { Varint: 0, Fixed64: 1, Length: 2 } as const;

function varintWidth(value: number): number {
  let width = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) width++;
  return width;
}

/** Overwrites the bytes at `at` with a varint of a fixed width. */
export function writeVarint(target: Uint8Array, at: number, value: number, width: number): void {
  let rest = value;
  const last = at + width - 1;
  for (; at < last && rest > MAX_SHIFTED; at++) {
    target[at] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  // shifting a 32-bit integer is faster than dividing a number
  let bits = rest | 0;
  for (; at < last; at++) {
    target[at] = (bits & 0x7f) | 0x80;
    bits >>>= 7;
  }
  target[at] = bits & 0x7f;
}

const MAX_SHIFTED = 0x7fff_ffff;

export function readVarint(source: Uint8Array, at: number): number {
  let value = 0;
  for (let scale = 1; ; scale *= 0x80) {
    const byte = source[at++];
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
}

/** Adds to a varint in place. */
export function increase(bytes: Uint8Array, at: number, width: number, by: number): void {
  writeVarint(bytes, at, readVarint(bytes, at) + by, width);
}

/** Returns a field's number and wire type, and a varint of `width` bytes or more. */
function taggedVarint(field: number, wire: number, value: number, width = 0): Uint8Array {
  const tag = (field << 3) | wire;
  const tagWidth = varintWidth(tag);
  const bytes = new Uint8Array(tagWidth + Math.max(width, varintWidth(value)));
  writeVarint(bytes, 0, tag, tagWidth);
  writeVarint(bytes, tagWidth, value, bytes.length - tagWidth);
  return bytes;
}

export function varintField(field: number, value: number, width?: number): Uint8Array {
  return taggedVarint(field, Wire.Varint, value, width);
}

/** Returns what is before the bytes of a message, string or bytes field. @param width minimum number of bytes of the length */
export function lengthField(field: number, bytes: number, width?: number): Uint8Array {
  return taggedVarint(field, Wire.Length, bytes, width);
}

export function messageField(field: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([lengthField(field, length), ...parts]);
}

export function stringField(field: number, text: string): Uint8Array {
  return messageField(field, Buffer.from(text));
}

/** Returns 8 bytes: of a double for a number, of an integer for a bigint. */
export function fixed64(value: number | bigint): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  if (typeof value === 'number') bytes.writeDoubleLE(value);
  else bytes.writeBigUInt64LE(value);
  return bytes;
}

/** Returns a field below 16. */
export function fixed64Field(field: number, value: number | bigint): Uint8Array {
  return Buffer.concat([Uint8Array.of((field << 3) | Wire.Fixed64), fixed64(value)]);
}

/** A buffer that grows as it is written. */
export class WireBuffer {
  bytes = Buffer.allocUnsafeSlow(64 * 1024);
  length = 0;

  /** A view of the bytes, which is valid until more are written. */
  get written(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  append(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Writes the tag and the length of a field below 16. @param width minimum number of bytes of the length */
  head(field: number, length: number, width = 0): void {
    this.#room(1 + MAX_VARINT_BYTES);
    this.bytes[this.length++] = (field << 3) | Wire.Length;
    const bytes = Math.max(width, varintWidth(length));
    writeVarint(this.bytes, this.length, length, bytes);
    this.length += bytes;
  }

  /** Writes a message, bytes or packed field below 16. */
  message(field: number, ...parts: readonly Uint8Array[]): void {
    let length = 0;
    for (const part of parts) length += part.length;
    this.head(field, length);
    for (const part of parts) this.append(part);
  }

  /** Writes a string field below 16. */
  string(field: number, text: string): void {
    const byteLength = Buffer.byteLength(text);
    this.head(field, byteLength);
    this.#room(byteLength);
    this.length += this.bytes.write(text, this.length);
  }

  /** Writes an integer from 0 up as a field below 16. @param width minimum number of its bytes */
  varint(field: number, value: number, width = 0): void {
    this.#room(1 + MAX_VARINT_BYTES);
    this.bytes[this.length++] = (field << 3) | Wire.Varint;
    this.rawVarint(value, width);
  }

  /** Writes a signed integer (sint32, sint64) as a field below 16. */
  signed(field: number, value: number): void {
    this.#room(1 + MAX_VARINT_BYTES);
    this.bytes[this.length++] = (field << 3) | Wire.Varint;
    this.rawSigned(value);
  }

  double(field: number, value: number): void {
    this.#room(1 + Float64Array.BYTES_PER_ELEMENT);
    this.bytes[this.length++] = (field << 3) | Wire.Fixed64;
    this.length = this.bytes.writeDoubleLE(value, this.length);
  }

  /** Writes a signed integer without a tag, as elements of packed fields are. @param width minimum number of its bytes */
  rawSigned(value: number, width = 0): void {
    if (value >= -0x4000_0000 && value < 0x4000_0000) {
      this.rawVarint(((value << 1) ^ (value >> 31)) >>> 0, width);
      return;
    }
    // twice the value may be no exact float64: the lowest seven bits come first
    const magnitude = value < 0 ? -value - 1 : value;
    const sign = value < 0 ? 1 : 0;
    this.#room(1);
    this.bytes[this.length++] = ((magnitude % 64) * 2 + sign) | 0x80;
    this.rawVarint(Math.floor(magnitude / 64));
  }

  /** Writes a message of a signed and an unsigned integer. */
  span(field: number, first: number, signed: number, second: number, unsigned: number): void {
    this.#room(2 + 2 * (1 + MAX_VARINT_BYTES));
    this.bytes[this.length++] = (field << 3) | Wire.Length;
    const at = this.length++;
    this.signed(first, signed);
    this.varint(second, unsigned);
    this.bytes[at] = this.length - at - 1;
  }

  /** Writes an integer from 0 up without a tag. */
  rawVarint(value: number, width = 0): void {
    this.#room(MAX_VARINT_BYTES);
    let rest = value;
    const last = this.length + width - 1;
    for (; rest >= 0x80 || this.length < last; rest = Math.floor(rest / 0x80)) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80;
    }
    this.bytes[this.length++] = rest;
  }

  #room(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    const wider = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.length + bytes));
    this.bytes.copy(wider, 0, 0, this.length);
    this.bytes = wider;
  }
}

const elements = new WireBuffer();

/** Returns a repeated field of integers from 0 up, packed. */
export function packedVarints(field: number, values: readonly number[]): Uint8Array {
  elements.length = 0;
  for (const value of values) elements.rawVarint(value);
  return messageField(field, elements.written);
}

const MAX_VARINT_BYTES = 10;
