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

/**
 * Finds the values of the canonical key in `keys[start, end)`, without decoding them.
 *
 * @param starts as many numbers as the family has labels: where each value starts in `keys`
 * @param ends where it ends; 0 where the label is absent
 * @returns false where a value is empty, or longer than 255 bytes, and where there are not as many values: decode those keys
 */
export function findKeyValues(
  keys: Uint8Array,
  start: number,
  end: number,
  starts: Int32Array,
  ends: Int32Array,
): boolean {
  const count = starts.length;
  if (count >= 16 || keys[start] !== 0x90 + count) return false;
  let at = start + 1;
  for (let place = 0; place < count; place++) {
    const token = keys[at++];
    let length = 0;
    if (token > 0xa0 && token <= 0xbf) length = token & 0x1f;
    else if (token === 0xd9 && keys[at] >= 32) length = keys[at++];
    else if (token !== 0xc0) return false;
    starts[place] = at;
    at += length;
    if (at > end) return false;
    ends[place] = length === 0 ? 0 : at;
  }
  return at === end;
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
