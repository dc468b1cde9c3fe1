/**
 * Whether a key is in its only allowed encoding: as many values as the family has labels, each nil or a string, every
 * length in its shortest form. msgpack allows several encodings of the same value, and readers compare keys by their bytes:
 * two encodings of one key would be two series with the same labels.
 */
export function isCanonicalKey(key: Uint8Array, values: number): boolean {
  let at = headLength(key, values);
  for (let value = 0; value < values && at > 0; value++) at = skipValue(key, at);
  return at > 0 && at === key.length;
}

/** Length of the array head for that many values; 0 where the key does not begin with it. */
function headLength(key: Uint8Array, values: number): number {
  if (values < 16) return key[0] === (0x90 | values) ? 1 : 0;
  const { length } = key;
  return length >= 3 && key[0] === 0xdc && key[1] === values >> 8 && key[2] === (values & 0xff) ? 3 : 0;
}

/** The end of the value at `at`; 0 where the value is not in its shortest form. */
function skipValue(key: Uint8Array, at: number): number {
  const token = key[at];
  if (token === 0xc0) return at + 1;
  if (token >= 0xa0 && token <= 0xbf) return at + 1 + (token & 0x1f);
  const lengthBytes = token === 0xd9 ? 1 : token === 0xda ? 2 : token === 0xdb ? 4 : 0;
  if (lengthBytes === 0) return 0;
  let length = 0;
  for (let digit = 1; digit <= lengthBytes; digit++) length = length * 256 + key[at + digit];
  const shortest = lengthBytes === 1 ? 32 : 2 ** (4 * lengthBytes);
  return length >= shortest ? at + 1 + lengthBytes + length : 0;
}
