/**
 * A check in front of msgpackr for bytes from other processes: it admits nil, booleans, numbers, strings, arrays and maps,
 * down to the depth that a record can have.
 * msgpackr 2.1 limits the lengths that heads of arrays may claim. But its extension types build record readers, errors,
 * regular expressions and typed arrays from the bytes, and unlimited nesting overflows the stack with a RangeError (3 MB of
 * array heads; tested). A checksum prevents none of this: an attacker that writes the bytes writes the checksum too. The check
 * below allocates nothing, and costs one step per value.
 */
const MAX_DEPTH = 16;

/** Whether `bytes[start, end)` is exactly one complete value of the plain kinds. */
export function isPlainMsgpack(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
  return skipValue(bytes, start, end, 0) === end;
}

/** The end of the value at `at`; -1 where the value is cut off, of another kind or too deep. */
function skipValue(bytes: Uint8Array, at: number, end: number, depth: number): number {
  if (at >= end || depth > MAX_DEPTH) return -1;
  const token = bytes[at];
  if (token <= 0x7f || token >= 0xe0) return at + 1;
  if (token <= 0x8f) return skipValues(bytes, at + 1, end, 2 * (token & 0x0f), depth);
  if (token <= 0x9f) return skipValues(bytes, at + 1, end, token & 0x0f, depth);
  if (token <= 0xbf) return within(at + 1 + (token & 0x1f), end);
  switch (token) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return at + 1;
    case 0xcc: // uint 8
    case 0xd0: // int 8
      return within(at + 2, end);
    case 0xcd: // uint 16
    case 0xd1: // int 16
      return within(at + 3, end);
    case 0xca: // float 32
    case 0xce: // uint 32
    case 0xd2: // int 32
      return within(at + 5, end);
    case 0xcb: // float 64
    case 0xcf: // uint 64
    case 0xd3: // int 64
      return within(at + 9, end);
    case 0xd9: // str 8
      return skipString(bytes, at + 1, end, 1);
    case 0xda: // str 16
      return skipString(bytes, at + 1, end, 2);
    case 0xdb: // str 32
      return skipString(bytes, at + 1, end, 4);
    case 0xdc: // array 16
      return skipCounted(bytes, at + 1, end, 2, 1, depth);
    case 0xdd: // array 32
      return skipCounted(bytes, at + 1, end, 4, 1, depth);
    case 0xde: // map 16
      return skipCounted(bytes, at + 1, end, 2, 2, depth);
    case 0xdf: // map 32
      return skipCounted(bytes, at + 1, end, 4, 2, depth);
    default:
      // bin, ext and the byte that msgpack never uses
      return -1;
  }
}

function skipString(bytes: Uint8Array, at: number, end: number, lengthBytes: number): number {
  if (at + lengthBytes > end) return -1;
  return within(at + lengthBytes + bigEndian(bytes, at, lengthBytes), end);
}

function skipCounted(
  bytes: Uint8Array,
  at: number,
  end: number,
  countBytes: number,
  valuesEach: number,
  depth: number,
): number {
  if (at + countBytes > end) return -1;
  return skipValues(bytes, at + countBytes, end, valuesEach * bigEndian(bytes, at, countBytes), depth);
}

function skipValues(bytes: Uint8Array, at: number, end: number, count: number, depth: number): number {
  // A value takes at least one byte, so that a count of billions is refused here and not after billions of steps.
  if (count > end - at) return -1;
  let next = at;
  for (let i = 0; i < count && next !== -1; i++) next = skipValue(bytes, next, end, depth + 1);
  return next;
}

function within(at: number, end: number): number {
  return at <= end ? at : -1;
}

function bigEndian(bytes: Uint8Array, at: number, length: number): number {
  let number = 0;
  for (let i = 0; i < length; i++) number = number * 256 + bytes[at + i];
  return number;
}
