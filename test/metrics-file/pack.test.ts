import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { isCanonicalKey } from '../../src/metrics-file/canonical-key.js';
import { pack } from '../../src/metrics-file/pack.js';
import { unpack } from '../../src/metrics-file/unpack.js';

const strings = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'grapheme', maxLength: 300 }));
const edges = [31, 32, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53].flatMap((n) => [
  n,
  -n,
  -n - 1,
]);
const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constant(null),
    fc.boolean(),
    fc.constantFrom(...edges),
    fc.integer(),
    fc.double({ noNaN: true }),
    strings,
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 20, noNullPrototype: true }),
  ),
})).value;

describe('pack', () => {
  it('encodes plain values as msgpackr decodes them', () => {
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 5 }), (values) => {
        assert.deepEqual(unpack(pack(values)), values);
      }),
    );
  });

  it('encodes keys in their only allowed form, which is that of msgpackr', () => {
    const packr = new Packr({ useRecords: false });
    for (const length of [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536]) {
      for (const character of ['a', 'é', '😀']) {
        const key = ['GET', null, character.repeat(length)];
        assert.deepEqual(Buffer.from(pack(key)), Buffer.from(packr.pack(key)));
        assert.ok(isCanonicalKey(pack(key), 3));
      }
      const many = Array.from({ length: length % 1000 }, (_, at) => String(at));
      assert.deepEqual(Buffer.from(pack(many)), Buffer.from(packr.pack(many)));
    }
  });

  it('leaves out fields without a value, and refuses what no file has', () => {
    assert.deepEqual(unpack(pack({ a: 1, b: undefined })), { a: 1 });
    for (const value of [1n, new Uint8Array(1), new Map(), Symbol('s')]) {
      assert.throws(() => pack({ value }), TypeError);
    }
  });
});
