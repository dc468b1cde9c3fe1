/**
 * Encodes plain values as msgpack, each in its shortest form: nil, booleans, numbers, strings, arrays and maps. Writing needs no more, so
 * that a process that only counts does not load msgpackr, which took 5 ms of the 42 of its first metric.
 */

/** A string of so many characters is written faster by a loop, if it is in ASCII. */
const MAX_LOOP = 32;

let bytes = Buffer.allocUnsafeSlow(1024);
let length = 0;

/** Fields and elements that are undefined are left out or nil. @throws {TypeError} for any other kind of value */
export function pack(value: object): Uint8Array {
  length = 0;
  write(value);
  return new Uint8Array(bytes.subarray(0, length));
}

function write(value: unknown): void {
  if (typeof value === 'string') writeString(value);
  else if (typeof value === 'number') writeNumber(value);
  else if (typeof value === 'boolean') head(value ? 0xc3 : 0xc2);
  else if (value === null || value === undefined) head(0xc0);
  else if (Array.isArray(value)) {
    writeHead(value.length, 0x90, 16, 0xdc);
    for (const each of value) write(each);
  } else if (isPlain(value)) {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    writeHead(fields.length, 0x80, 16, 0xde);
    for (const [name, field] of fields) {
      writeString(name);
      write(field);
    }
  } else throw new TypeError(`a metrics file has no ${typeof value}`);
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !ArrayBuffer.isView(value) && !(Symbol.iterator in value);
}

function writeString(text: string): void {
  room(5 + 3 * text.length);
  const start = length;
  if (text.length <= MAX_LOOP) {
    let at = start + 1;
    let isAscii = true;
    for (let from = 0; from < text.length && isAscii; from++) {
      const code = text.charCodeAt(from);
      isAscii = code < 0x80;
      bytes[at++] = code;
    }
    // 32 characters need a longer head
    if (isAscii && text.length < 32) {
      bytes[start] = 0xa0 + text.length;
      length = at;
      return;
    }
  }
  const size = Buffer.byteLength(text);
  if (size < 32) bytes[length++] = 0xa0 + size;
  else if (size < 0x100) {
    bytes[length] = 0xd9;
    length = bytes.writeUInt8(size, length + 1);
  } else writeLength(size, 0xda);
  length += bytes.write(text, length);
}

/** Integers of 32 bits; all others are float64. */
function writeNumber(value: number): void {
  room(9);
  if (value >>> 0 === value && !Object.is(value, -0)) {
    if (value < 0x80) bytes[length++] = value;
    else {
      const size = value < 0x100 ? 0 : value < 0x1_0000 ? 1 : 2;
      bytes[length] = 0xcc + size;
      length = bytes.writeUIntBE(value, length + 1, 1 << size);
    }
  } else if (value < 0 && value >> 0 === value) {
    if (value >= -0x20) bytes[length++] = 0x100 + value;
    else {
      const size = value >= -0x80 ? 0 : value >= -0x8000 ? 1 : 2;
      bytes[length] = 0xd0 + size;
      length = bytes.writeIntBE(value, length + 1, 1 << size);
    }
  } else {
    bytes[length] = 0xcb;
    length = bytes.writeDoubleBE(value, length + 1);
  }
}

/** @param short the head of fewer than `most` elements @param long that with a length of two bytes; the next one has four */
function writeHead(count: number, short: number, most: number, long: number): void {
  room(5);
  if (count < most) bytes[length++] = short + count;
  else writeLength(count, long);
}

function writeLength(count: number, head16: number): void {
  if (count < 0x1_0000) {
    bytes[length] = head16;
    length = bytes.writeUInt16BE(count, length + 1);
  } else {
    bytes[length] = head16 + 1;
    length = bytes.writeUInt32BE(count, length + 1);
  }
}

function head(byte: number): void {
  room(1);
  bytes[length++] = byte;
}

function room(more: number): void {
  if (length + more <= bytes.length) return;
  const wider = Buffer.allocUnsafeSlow(2 * (length + more));
  bytes.copy(wider, 0, 0, length);
  bytes = wider;
}
