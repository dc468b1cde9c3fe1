import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { isPlainMsgpack } from '../../src/metrics-file/plain-msgpack.js';

const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true, variableMapSize: true });
const plain = fc.letrec((value) => ({
  any: fc.oneof({ maxDepth: 4 }, value('leaf'), fc.array(value('any')), fc.dictionary(fc.string(), value('any'))),
  leaf: fc.oneof(
    fc.constantFrom(null, true, false, undefined, NaN, Infinity),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double(),
    fc.string(),
    fc.string({ minLength: 300, maxLength: 400 }),
  ),
})).any;

test("msgpackr's encoding of plain values is plain, and is not when it is cut off or extended", () => {
  fc.assert(
    fc.property(plain, fc.nat(), (value, cut) => {
      const packed = packr.pack(value);
      assert.equal(isPlainMsgpack(packed), true);
      assert.equal(isPlainMsgpack(packed.subarray(0, cut % packed.length)), false);
      assert.equal(isPlainMsgpack(Buffer.concat([packed, packed])), false);
    }),
  );
});

test('long arrays, maps and strings are plain', () => {
  const many = Array.from({ length: 70_000 }, (_, i) => i);
  const values = ['x'.repeat(70_000), many, Object.fromEntries(many.map((i) => [`k${i}`, i]))];
  for (const value of values) assert.equal(isPlainMsgpack(packr.pack(value)), true);
});

test('every other kind of value is refused, at any place', () => {
  const others = [
    /* never used */ 'c1',
    /* bin 8, 16, 32 */ 'c40100',
    'c5000100',
    'c60000000100',
    /* ext 8, 16, 32 */ 'c7010100',
    'c800010100',
    'c9000000010100',
    /* fixext 1 to 16 */ 'd40100',
    'd5010000',
    `d601${'00'.repeat(4)}`,
    `d701${'00'.repeat(8)}`,
    `d801${'00'.repeat(16)}`,
    /* msgpackr's record definition */ 'd4724091a16101',
  ];
  for (const hex of others) {
    assert.equal(isPlainMsgpack(Buffer.from(hex, 'hex')), false, hex);
    assert.equal(isPlainMsgpack(Buffer.from(`91${hex}`, 'hex')), false, `[${hex}]`);
    assert.equal(isPlainMsgpack(Buffer.from(`81a161${hex}`, 'hex')), false, `{a: ${hex}}`);
  }
});

test('lengths that the bytes do not confirm are refused at once', () => {
  for (const head of [
    'ddffffffff',
    'dfffffffff',
    'dbffffffff',
    'dcffff',
    'deffff',
    'daffff',
    'd9ff',
    '9f',
    '8f',
    'bf',
  ]) {
    assert.equal(isPlainMsgpack(Buffer.from(head, 'hex')), false, head);
    assert.equal(isPlainMsgpack(Buffer.from(`${head}00`, 'hex')), false, head);
  }
  assert.equal(isPlainMsgpack(Buffer.alloc(3_000_000, 0x91)), false);
  assert.equal(isPlainMsgpack(new Uint8Array(0)), false);
});

test('any bytes are either plain or refused, without an error', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => typeof isPlainMsgpack(bytes) === 'boolean'));
});
