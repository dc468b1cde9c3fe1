import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Labelled, LabelIndex } from '../../src/storage/label-index.js';

const NAMES = ['a', 'b', 'c'];
/** Up to three labels there is separate code. */
const WIDTHS = [1, 2, 3, 4, 5];
type Values = (string | undefined)[];

/** Values that collide when they are joined, look like numbers, or are absent. */
const value = fc.constantFrom(undefined, '', 'x', 'x,b:y', 'y', '1', '01', '1.0', 'b', '\0', 'é');

function item(labelValues: Values): Labelled {
  return { labelValues };
}

/** @param turned the order starts with the name at this place, and ends with the names before it */
function objectOf(names: readonly string[], values: Values, turned = 0): Record<string, string> {
  const labels: Record<string, string> = {};
  for (let at = 0; at < names.length; at++) {
    const from = (at + turned) % names.length;
    const text = values[from];
    if (text !== undefined) labels[names[from]] = text;
  }
  return labels;
}

describe('LabelIndex', () => {
  it('equals a Map of whole tuples, in the order of adding', () => {
    const operations = fc.constantFrom(...WIDTHS).chain((width) => {
      const tuple = fc.array(value, { minLength: width, maxLength: width });
      return fc.array(fc.record({ adds: fc.boolean(), turned: fc.nat(width - 1), tuple }), { maxLength: 200 });
    });
    fc.assert(
      fc.property(operations, (steps) => {
        const names = ['e', 'd', 'c', 'b', 'a'].slice(0, steps[0]?.tuple.length);
        const index = new LabelIndex<Labelled>(names);
        const model = new Map<string, Labelled>();
        for (const { adds, turned, tuple: values } of steps) {
          // an empty label is no label
          const key = JSON.stringify(values.map((text) => text || null));
          const known = model.get(key);
          assert.equal(index.find(values), known);
          assert.equal(index.findObject(objectOf(names, values)), known);
          assert.equal(index.findObject(objectOf(names, values, turned)), known);
          assert.equal(index.findValues(values), values.includes(undefined) ? undefined : known);
          if (adds && known === undefined) {
            const added = item(values);
            index.add(added);
            model.set(key, added);
          } else if (!adds && known !== undefined) {
            index.delete(known);
            model.delete(key);
          }
        }
        assert.deepEqual([...index], [...model.values()]);
        assert.equal(index.size, model.size);
      }),
      { numRuns: 200 },
    );
  });

  it('finds labels in any order of their names', () => {
    const index = new LabelIndex<Labelled>(NAMES);
    const known = item(['1', '2', '3']);
    index.add(known);
    assert.equal(index.findObject({ c: '3', a: '1', b: '2' }), known);
    assert.equal(index.findObject({ b: '2', c: '3', a: '1' }), known);
    assert.equal(index.findValues(['1', '2', '3']), known);
  });

  it('leaves to its caller what needs a closer look', () => {
    const index = new LabelIndex<Labelled>(NAMES);
    index.add(item(['1', undefined, undefined]));
    assert.equal(index.findObject({ a: '1', d: 'x' }), undefined);
    assert.equal(index.findObject({ a: '1', b: undefined }), undefined);
    assert.equal(index.findValues(['1', undefined, undefined]), undefined);
    assert.equal(index.findObject({ a: 1 }), undefined);
    assert.equal(index.findObject({ a: ['1'] }), undefined);
  });

  it('finds the series of a text by the number that spells the same, once told so', () => {
    const index = new LabelIndex<Labelled>(['code']);
    const known = item(['200']);
    index.add(known);
    index.addAlias(0, 200);
    index.addAlias(0, 404);
    assert.equal(index.findObject({ code: 200 }), known);
    assert.equal(index.findValues([200]), known);
    assert.equal(index.findObject({ code: 404 }), undefined);
    index.delete(known);
    assert.equal(index.findObject({ code: 200 }), undefined);
  });

  it('has one series where there are no labels', () => {
    const index = new LabelIndex<Labelled>([]);
    assert.equal(index.findObject({}), undefined);
    const known = item([]);
    index.add(known);
    assert.equal(index.findObject({}), known);
    assert.equal(index.findValues([]), known);
    index.delete(known);
    assert.equal(index.find([]), undefined);
  });

  it('grows past any size and stays in order when most of it has gone', () => {
    const index = new LabelIndex<Labelled>(['a', 'b']);
    const items = Array.from({ length: 5000 }, (_, at) => item([String(at % 71), String(at)]));
    for (const added of items) index.add(added);
    assert.deepEqual([...index], items);
    for (const [at, added] of items.entries()) if (at % 5 !== 0) index.delete(added);
    const left = items.filter((_, at) => at % 5 === 0);
    assert.deepEqual([...index], left);
    for (const added of left) assert.equal(index.findValues(added.labelValues), added);
    index.clear();
    assert.deepEqual([...index], []);
  });

  it('goes on from where it is when series are taken out while it is walked', () => {
    const index = new LabelIndex<Labelled>(['a']);
    const items = Array.from({ length: 4000 }, (_, at) => item([String(at)]));
    for (const added of items) index.add(added);
    const walked: Labelled[] = [];
    for (const added of index) {
      walked.push(added);
      index.delete(added);
    }
    assert.deepEqual(walked, items);
    assert.equal(index.size, 0);
  });
});
