/**
 * The protobuf wire format, as far as an exposition needs it: protobuf.dev/programming-guides/encoding.
 *
 * Integers that change from one scrape to the next have a fixed width: a varint may be longer than it needs to be, and every
 * decoder takes it (ran: Prometheus 2.42 and 3.5, protobufjs). So a value is written over in place, and nothing moves.
 */
import { LITTLE_ENDIAN } from '../model/byte-order.js';

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
  return varint(value).length;
}

/** Writes a varint of a fixed width over what is there. */
export function writeVarint(target: Uint8Array, at: number, value: number, width: number): void {
  let rest = value;
  const last = at + width - 1;
  for (; at < last; at++) {
    // 32 bits at a time would be faster where there are so many; counts rarely are
    target[at] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  target[at] = rest & 0x7f;
}

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

const NUMBER = new Float64Array(1);
const NUMBER_BYTES = new Uint8Array(NUMBER.buffer);
if (!LITTLE_ENDIAN) NUMBER_BYTES.reverse();

/** Writes a double over what is there. */
export function writeDouble(target: Uint8Array, at: number, value: number): void {
  NUMBER[0] = value;
  for (let byte = 0; byte < 8; byte++) target[at + byte] = NUMBER_BYTES[LITTLE_ENDIAN ? byte : 7 - byte];
}
