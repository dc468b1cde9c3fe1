/**
 * A check in front of msgpackr for bytes from other processes: it admits nil, booleans, numbers, strings, arrays and maps,
 * down to the depth that a record can have.
 * msgpackr 2.1 limits the lengths that heads of arrays may claim. But its extension types build record readers, errors,
 * regular expressions and typed arrays from the bytes, and unlimited nesting overflows the stack with a RangeError (3 MB of
 * array heads; tested). A checksum prevents none of this: an attacker that writes the bytes writes the checksum too. The check
 * below allocates nothing, and costs one step per value.
 */
const MAX_DEPTH = 16;

/** The bytes of a value of one length, by its first byte. */
const LENGTHS: ReadonlyMap<number, number> = new Map([
  ...[0xc0, 0xc2, 0xc3].map((token) => [token, 1] as const), // nil, false, true
  ...[0xcc, 0xd0].map((token) => [token, 2] as const), // uint 8, int 8
  ...[0xcd, 0xd1].map((token) => [token, 3] as const), // uint 16, int 16
  ...[0xca, 0xce, 0xd2].map((token) => [token, 5] as const), // float 32, uint 32, int 32
  ...[0xcb, 0xcf, 0xd3].map((token) => [token, 9] as const), // float 64, uint 64, int 64
]);

/** Whether the bytes are exactly one complete value of the plain kinds. */
export function isPlainMsgpack(bytes: Uint8Array): boolean {
  return skipValue(bytes, 0, bytes.length, 0) === bytes.length;
}

/** The end of the value at `at`; -1 where the value is cut off, of another kind or too deep. */
function skipValue(bytes: Uint8Array, at: number, end: number, depth: number): number {
  if (at >= end || depth > MAX_DEPTH) return -1;
  const token = bytes[at];
  if (token <= 0x7f || token >= 0xe0) return at + 1;
  if (token <= 0x8f) return skipValues(bytes, at + 1, end, 2 * (token & 0x0f), depth);
  if (token <= 0x9f) return skipValues(bytes, at + 1, end, token & 0x0f, depth);
  if (token <= 0xbf) return within(at + 1 + (token & 0x1f), end);
  // map 16 and 32, array 16 and 32, str 8 to 32: the bytes of the length follow
  if (token >= 0xde) return skipCounted(bytes, at + 1, end, 2 << (token - 0xde), 2, depth);
  if (token >= 0xdc) return skipCounted(bytes, at + 1, end, 2 << (token - 0xdc), 1, depth);
  if (token >= 0xd9) return skipString(bytes, at + 1, end, 1 << (token - 0xd9));
  // neither bin, nor ext, nor the byte that msgpack never uses
  const length = LENGTHS.get(token);
  return length === undefined ? -1 : within(at + length, end);
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
