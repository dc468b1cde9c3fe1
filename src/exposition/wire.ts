/**
 * The protobuf wire format, as far as an exposition needs it: protobuf.dev/programming-guides/encoding.
 *
 * Integers that change from one scrape to the next have a fixed width: a varint may be longer than it needs to be, and every
 * decoder takes it (ran: Prometheus 2.42 and 3.5, protobufjs). So a value is written over in place, and nothing moves.
 */
const Wire = { Varint: 0, Fixed64: 1, Length: 2 } as const;

/** A field's number and wire type in one byte, or two: fields from 16 up. */
function tag(field: number, wire: number): number[] {
  return varint((field << 3) | wire);
}

/** The shortest varint of a whole number from 0 up. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
}

function varintWidth(value: number): number {
  let width = 1;
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) width++;
  return width;
}

/** Writes a varint of a fixed width over what is there. */
export function writeVarint(target: Uint8Array, at: number, value: number, width: number): void {
  let rest = value;
  const last = at + width - 1;
  for (; at < last && rest > MAX_SHIFTED; at++) {
    target[at] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  // bits of integers are shifted sooner than numbers are divided
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

/** The field before a message, string or bytes of that many bytes, whose length is written in `width` bytes at least. */
export function lengthField(field: number, bytes: number, width = 0): number[] {
  const head = tag(field, Wire.Length);
  const length = new Uint8Array(Math.max(width, varintWidth(bytes)));
  writeVarint(length, 0, bytes, length.length);
  return [...head, ...length];
}

export function stringField(field: number, text: string): Uint8Array {
  const bytes = Buffer.from(text);
  return Buffer.concat([Uint8Array.from(lengthField(field, bytes.length)), bytes]);
}

export function messageField(field: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Uint8Array.from(lengthField(field, length)), ...parts]);
}

export function varintField(field: number, value: number, width = 0): Uint8Array {
  const head = tag(field, Wire.Varint);
  const bytes = new Uint8Array(head.length + Math.max(width, varintWidth(value)));
  bytes.set(head);
  writeVarint(bytes, head.length, value, bytes.length - head.length);
  return bytes;
}

export function doubleField(field: number, value: number): Uint8Array {
  const head = tag(field, Wire.Fixed64);
  const bytes = new Uint8Array(head.length + Float64Array.BYTES_PER_ELEMENT);
  bytes.set(head);
  new DataView(bytes.buffer).setFloat64(head.length, value, true);
  return bytes;
}

/** Bytes that grow as they are written. */
export class WireBuffer {
  bytes = Buffer.allocUnsafeSlow(64 * 1024);
  length = 0;

  append(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** A field's tag, of fields below 16, and its length. @param width at least so many bytes of length */
  head(field: number, length: number, width = 0): void {
    this.#room(1 + MAX_VARINT_BYTES);
    this.bytes[this.length++] = (field << 3) | Wire.Length;
    const bytes = Math.max(width, varintWidth(length));
    writeVarint(this.bytes, this.length, length, bytes);
    this.length += bytes;
  }

  /** @param byteLength of the text in UTF-8 */
  string(field: number, text: string, byteLength: number): void {
    this.head(field, byteLength);
    this.#room(byteLength);
    this.length += this.bytes.write(text, this.length);
  }

  #room(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    const wider = Buffer.allocUnsafeSlow(Math.max(2 * this.bytes.length, this.length + bytes));
    this.bytes.copy(wider, 0, 0, this.length);
    this.bytes = wider;
  }
}

/** Bytes of a string field, below 16. */
export function stringFieldBytes(byteLength: number): number {
  return 1 + varintWidth(byteLength) + byteLength;
}

const MAX_VARINT_BYTES = 10;
