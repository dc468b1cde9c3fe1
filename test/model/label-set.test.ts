import assert from 'node:assert/strict';
import { wellFormed } from '../../src/model/well-formed.js';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as promClient from 'prom-client';
import { assertLabelsDeclared, assertValueCount, declaredLabelNames, labelValue } from '../../src/model/label-set.js';

const gauge = (labelNames: string[]): promClient.Gauge =>
  new promClient.Gauge({ name: 'a', help: 'h', labelNames, registers: [] });

describe('label names of a family', () => {
  it('are used as given, without duplicates', () => {
    assert.deepEqual(declaredLabelNames(['b', 'a', 'b'], 'gauge'), ['b', 'a']);
    assert.deepEqual(declaredLabelNames(undefined, 'gauge'), []);
  });

  it('are a copy, which the caller cannot change later', () => {
    const names = ['a'];
    const declared = declaredLabelNames(names, 'counter');
    names.push('b');
    assert.deepEqual(declared, ['a']);
  });

  it('that break the rule throw the error of prom-client', () => {
    for (const name of ['a-b', '', '1', 'a:b', 'a b']) {
      const thrown = { name: 'Error', message: 'Invalid label name' };
      assert.throws(() => gauge([name]), thrown);
      assert.throws(() => declaredLabelNames([name], 'gauge'), thrown);
    }
  });

  it('le and quantile are reserved for the types whose samples have them', () => {
    const histogram = { name: 'Error', message: 'le is a reserved label keyword' };
    const summary = { name: 'Error', message: 'quantile is a reserved label keyword' };
    const config = { name: 'a', help: 'h', registers: [] };
    assert.throws(() => new promClient.Histogram({ ...config, labelNames: ['a', 'le'] }), histogram);
    assert.throws(() => declaredLabelNames(['a', 'le'], 'histogram'), histogram);
    assert.throws(() => new promClient.Summary({ ...config, labelNames: ['quantile'] }), summary);
    assert.throws(() => declaredLabelNames(['quantile'], 'summary'), summary);
    assert.deepEqual(declaredLabelNames(['le', 'quantile'], 'gauge'), ['le', 'quantile']);
    assert.deepEqual(declaredLabelNames(['quantile'], 'histogram'), ['quantile']);
  });
});

describe('labels of a series', () => {
  it('of undeclared names throw the error of prom-client', () => {
    const thrown = { name: 'Error', message: `Added label "c" is not included in initial labelset: [ 'a', 'b' ]` };
    assert.throws(() => gauge(['a', 'b']).set({ a: 1, c: 2 }, 1), thrown);
    assert.throws(() => assertLabelsDeclared(['a', 'b'], { a: 1, c: 2 }), thrown);
    assert.throws(() => assertLabelsDeclared(['a', 'b'], Object.create({ c: 2 })), thrown);
    assertLabelsDeclared(['a', 'b'], { b: 1 });
    assertLabelsDeclared(['a', 'b'], {});
  });

  it('need one value per name if they are given as arguments, with the error of prom-client', () => {
    const thrown = {
      name: 'Error',
      message: 'Invalid number of arguments (3): "x, 1, y" for label names (2): "a, b".',
    };
    assert.throws(() => gauge(['a', 'b']).labels('x', 1 as never, 'y'), thrown);
    assert.throws(() => assertValueCount(['a', 'b'], ['x', 1, 'y']), thrown);
    assertValueCount(['a', 'b'], ['x', 1]);
  });

  it('become strings, and undefined means an absent label', () => {
    assert.equal(labelValue('x'), 'x');
    assert.equal(labelValue(200), '200');
    assert.equal(labelValue(0.1), '0.1');
    assert.equal(labelValue(true), 'true');
    assert.equal(labelValue(null), 'null');
    assert.equal(labelValue(''), '');
    assert.equal(labelValue(undefined), undefined);
  });

  it('have lone surrogates replaced as UTF-8 does, and no other character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom('', '\ud800', '\udfff'), (a, b, half) => {
        const text = a + half + b + half;
        assert.equal(wellFormed(text), Buffer.from(text).toString());
      }),
    );
    assert.equal(wellFormed('\ud83d\ude00'), '\ud83d\ude00');
    assert.equal(wellFormed('\ude00\ud83d'), '\ufffd\ufffd');
  });
});
