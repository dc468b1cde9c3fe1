import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeKey, type FamilyRecord } from '../../src/metrics-file/record.js';
import { MergeIndex } from '../../src/merge/merge-index.js';
import type { Schema } from '../../src/merge/schema.js';
import { completed } from '../../src/time-slices.js';

const LABELS = ['code', 'path'];

function indexed(added: ReadonlyMap<string, string> = new Map()): { index: MergeIndex; schema: Schema } {
  const index = new MergeIndex();
  const record = { id: 0, name: 'hits_total', help: 'h', type: 'counter', labelNames: LABELS };
  const family = index.declare({ ...record, registries: ['default'], declaredAt: 1 } as FamilyRecord)!;
  return { index, schema: index.schema(family, LABELS, added) };
}

/** Adds the series of label values, as a log has them. */
function add(index: MergeIndex, schema: Schema, values: readonly (string | undefined)[]): number {
  const key = encodeKey(values);
  const words = new Int32Array(1 + Math.ceil(key.length / 4));
  words[0] = key.length;
  new Uint8Array(words.buffer).set(key, 4);
  return index.reference(schema, words, 0, words.length, 1, 'active');
}

const value = fc.oneof(
  fc.constant(undefined),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('a', 'b', '"', '\\', '\n', 'é', ','), maxLength: 6 }),
);
const labels = fc.tuple(value, value);

describe('the texts of merged series', () => {
  it('are those of their label values, whether they follow from bytes or not, and the series are in their order', () => {
    const added = fc.constantFrom(new Map<string, string>(), new Map([['app', 'web "1"']]), new Map([['code', 'ö']]));
    fc.assert(
      fc.property(added, fc.array(fc.array(labels, { maxLength: 60 }), { maxLength: 4 }), (defaults, rounds) => {
        const { index, schema } = indexed(defaults);
        const expected = new Map<number, string>();
        for (const round of rounds) {
          for (const values of round) {
            const series = add(index, schema, values);
            if (!expected.has(series)) expected.set(series, schema.text(values));
          }
          const shown = [...completed(index.shownSeries(schema.family))].map((series) => index.texts.of(series));
          const texts = [...expected].map(([series, text]) => {
            // of texts that are the same without their empty labels, either may be shown
            const withoutEmpty = text.replaceAll(/(?:^|,)\w+=""/g, '').replace(/^,/, '');
            return index.texts.of(series) === withoutEmpty ? withoutEmpty : text;
          });
          assert.deepEqual(
            shown,
            texts.toSorted((a, b) => (a < b ? -1 : 1)),
          );
        }
      }),
    );
  });

  it('put a few new series between many that are in order', () => {
    const { index, schema } = indexed();
    const path = (number: number): string => `/api/items/${String(number).padStart(6, '0')}`;
    for (let number = 0; number < 2000; number += 2) add(index, schema, ['200', path(number)]);
    const texts = (): string[] =>
      [...completed(index.shownSeries(schema.family))].map((series) => index.texts.of(series));
    assert.equal(texts().length, 1000);
    for (const number of [1999, 1, 777, 779]) add(index, schema, ['200', path(number)]);
    add(index, schema, ['200', '/é']);
    add(index, schema, ['100', '/']);
    const sorted = texts();
    assert.equal(sorted.length, 1006);
    assert.deepEqual(sorted, sorted.toSorted());
  });
});
