/**
 * Whether a key is in its only allowed encoding: as many values as the family has labels, each nil or a string, every
 * length in its shortest form. msgpack allows several encodings of the same value, and readers compare keys by their bytes:
 * two encodings of one key would be two series with the same labels.
 * A key from before its family got more labels has fewer values. Readers compare such a key by its label text.
 */
export function isCanonicalKey(key: Uint8Array, labels: number): boolean {
  const values = valueCount(key);
  if (values < 0 || values > labels) return false;
  let at = values < 16 ? 1 : 3;
  for (let value = 0; value < values && at > 0; value++) at = skipValue(key, at);
  return at > 0 && at === key.length;
}

/** The number of values by the array head; -1 where the key does not begin with one in its shortest form. */
function valueCount(key: Uint8Array): number {
  if (key[0] >> 4 === 0x9) return key[0] & 0xf;
  if (key.length < 3 || key[0] !== 0xdc) return -1;
  const values = (key[1] << 8) | key[2];
  return values < 16 ? -1 : values;
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
