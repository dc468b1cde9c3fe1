import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isCanonicalKey } from '../../src/metrics-file/canonical-key.js';
import { decodeKey, encodeKey } from '../../src/metrics-file/record.js';

const LONG = [31, 32, 255, 256, 65_535, 65_536].flatMap((length) => ['x'.repeat(length), 'é'.repeat(length / 2)]);
const value = fc.oneof(fc.constant(undefined), fc.string({ unit: 'binary' }), fc.constantFrom(...LONG));

test('the encoding of a key is its only form, decodes to its values, and holds when the family has got more labels', () => {
  fc.assert(
    fc.property(fc.array(value, { maxLength: 20 }), (values) => {
      const key = encodeKey(values);
      assert.ok(isCanonicalKey(key, values.length));
      assert.ok(isCanonicalKey(key, values.length + 1));
      assert.ok(!isCanonicalKey(key, values.length - 1));
      assert.deepEqual(decodeKey(key, values.length), values);
    }),
    { numRuns: 300 },
  );
});

test('any bytes that are accepted as a key equal the encoding of its values', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), fc.nat(3), (bytes, count) => {
      const key = Uint8Array.from([0x90 | count, ...bytes]);
      if (!isCanonicalKey(key, count)) return;
      const values = decodeKey(key, count);
      // invalid UTF-8 is decoded to the replacement character, and the merge keeps such keys apart
      if (!values.some((text) => text?.includes('\ufffd'))) assert.equal(Buffer.compare(encodeKey(values), key), 0);
    }),
    { numRuns: 2000 },
  );
});

test('other encodings of a key are refused', () => {
  const spellings = [
    [0x91, 0xd9, 0x01, 0x78],
    [0x91, 0xda, 0x00, 0x01, 0x78],
    [0xdc, 0x00, 0x01, 0xa1, 0x78],
    [0x91, 0xa1, 0x78, 0x00],
    [0x91, 0xa2, 0x78],
    [0x91, 0x05],
    [0x91],
    [],
  ];
  assert.ok(isCanonicalKey(Uint8Array.from([0x91, 0xa1, 0x78]), 1));
  for (const bytes of spellings) assert.ok(!isCanonicalKey(Uint8Array.from(bytes), 1), String(bytes));
});
