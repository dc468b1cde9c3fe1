import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { KeyTable } from '../../src/merge/key-table.js';

/** Few distinct keys, so that lookups find some. */
const keys = fc.array(
  fc.record({ schema: fc.nat(1), text: fc.string({ maxLength: 3, unit: fc.constantFrom('a', 'b') }) }),
  {
    maxLength: 200,
  },
);

describe('KeyTable', () => {
  it('finds the same as a Map of whole keys, in any order of lookups', () => {
    fc.assert(
      fc.property(keys, (asked) => {
        const table = new KeyTable();
        const known = new Map<string, number>();
        for (const { schema, text } of asked) {
          // in the middle of a longer buffer, as in records; the high bits of words count too
          const words = Int32Array.from(Buffer.from(`##${text}##`), (code) => code << 24);
          const [from, to] = [2, words.length - 2];
          const key = `${schema} ${text}`;
          assert.equal(table.find(schema, words, from, to), known.get(key) ?? -1);
          if (known.has(key)) continue;
          known.set(key, known.size);
          table.add(schema, words, from, to, known.size - 1);
        }
      }),
    );
  });

  it('finds the keys of a second process in their order, in the reverse, and one that is new among them', () => {
    const table = new KeyTable();
    const wordsOf = (number: number): Int32Array => Int32Array.from(Buffer.from(`/api/items/${number}`));
    for (let number = 0; number < 5000; number++) {
      const words = wordsOf(number);
      table.add(7, words, 0, words.length, number);
    }
    const find = (number: number): number => table.find(7, wordsOf(number), 0, wordsOf(number).length);
    const order = Array.from({ length: 5000 }, (_, number) => number);
    assert.deepEqual(order.map(find), order);
    assert.equal(find(5000), -1);
    assert.deepEqual(order.toReversed().map(find), order.toReversed());
  });
});
