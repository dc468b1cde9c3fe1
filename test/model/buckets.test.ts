import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as promClient from 'prom-client';
import {
  DEFAULT_BUCKETS,
  exponentialBuckets,
  linearBuckets,
  normalizeBounds,
  unionOfBounds,
} from '../../src/model/buckets.js';

type Generator = (a: number, b: number, count: number) => number[];

/** Returns the result or the error of a call, for a comparison. */
function outcome(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
}

describe('bucket generators', () => {
  const pairs: [string, Generator, Generator][] = [
    ['linearBuckets', linearBuckets, promClient.linearBuckets],
    ['exponentialBuckets', exponentialBuckets, promClient.exponentialBuckets],
  ];
  for (const [name, ours, theirs] of pairs) {
    it(`${name} returns and throws the same as prom-client's, to the last digit`, () => {
      fc.assert(
        fc.property(fc.double(), fc.double({ min: -5, max: 5 }), fc.integer({ min: -1, max: 30 }), (a, b, count) => {
          assert.deepEqual(
            outcome(() => ours(a, b, count)),
            outcome(() => theirs(a, b, count)),
          );
        }),
      );
    });
  }

  it('return these bounds', () => {
    assert.deepEqual(linearBuckets(0, 5, 4), [0, 5, 10, 15]);
    assert.deepEqual(exponentialBuckets(0.1, 10, 3), [0.1, 1, 10]);
    assert.throws(() => linearBuckets(0, 1, 0), { message: 'Linear buckets needs a positive count' });
    assert.throws(() => exponentialBuckets(0, 2, 1), { message: 'Exponential buckets needs a positive start' });
    assert.throws(() => exponentialBuckets(1, 2, 0), { message: 'Exponential buckets needs a positive count' });
    assert.throws(() => exponentialBuckets(1, 1, 1), { message: 'Exponential buckets needs a factor greater than 1' });
  });

  it('has the default buckets of prom-client', () => {
    const histogram = new promClient.Histogram({ name: 'a', help: 'h', registers: [] });
    assert.deepEqual([...DEFAULT_BUCKETS], (histogram as unknown as { upperBounds: number[] }).upperBounds);
  });
});

describe('bounds', () => {
  it('are sorted, without duplicates and without the bucket +Inf, which always exists', () => {
    assert.deepEqual(normalizeBounds([5, 1, Infinity, 1, 0.5, -0, 0]), [0, 0.5, 1, 5]);
    assert.deepEqual(normalizeBounds([]), []);
    assert.deepEqual(normalizeBounds([-3, -10]), [-10, -3]);
  });

  it('do not change the array of the user', () => {
    const buckets = Object.freeze([2, 1]);
    assert.deepEqual(normalizeBounds(buckets), [1, 2]);
  });

  it('that are not numbers are refused with the value and the rule', () => {
    for (const [wrong, spelled] of [
      [NaN, 'NaN'],
      ['1', `'1'`],
      [undefined, 'undefined'],
      [null, 'null'],
      [-Infinity, '-Infinity'],
      [1n, '1n'],
    ] as const) {
      assert.throws(() => normalizeBounds([1, wrong as number]), {
        code: 'ERR_INVALID_ARGUMENT',
        message: `the bucket ${spelled} is no upper bound: give finite numbers (a bucket +Inf is always there)`,
      });
    }
    assert.throws(() => normalizeBounds('1,2' as never), {
      code: 'ERR_INVALID_ARGUMENT',
      message: `buckets are an array of numbers, not '1,2'`,
    });
  });

  it('of two processes make the sorted union', () => {
    assert.deepEqual(unionOfBounds([1, 5], [0.5, 1, 10]), [0.5, 1, 5, 10]);
    const bounds = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true })).map(normalizeBounds);
    fc.assert(
      fc.property(bounds, bounds, (a, b) => {
        assert.deepEqual(unionOfBounds(a, b), normalizeBounds([...a, ...b]));
      }),
    );
  });
});
