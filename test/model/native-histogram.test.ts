import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Bins, MAX_SCHEMA, MIN_SCHEMA, type NativeOptions, lowestOptions } from '../../src/model/native-bins.js';
import { type NativeHistogram, NativeReading, sumOfNative } from '../../src/model/native-histogram.js';

const values = fc.array(
  fc.oneof(
    fc.double({ min: -1e9, max: 1e9, noNaN: true }),
    fc.double({ min: 1e-4, max: 10, noNaN: true }),
    fc.integer({ min: -300, max: 300 }).map((exponent) => 2 ** exponent),
    fc.constantFrom(0, -0, 1, -1, 0.5, Number.MIN_VALUE, Number.MAX_VALUE),
  ),
  { maxLength: 100 },
);
const options = fc.record({
  schema: fc.integer({ min: MIN_SCHEMA, max: MAX_SCHEMA }),
  zeroThreshold: fc.integer({ min: -140, max: 40 }).map((exponent) => 2 ** exponent),
  maxBuckets: fc.constantFrom(0, 4, 20, 160),
});

/** Counts values as a store does: by its own schema and threshold. */
function addTo(reading: NativeReading, { schema, zeroThreshold }: NativeOptions, counted: readonly number[]): void {
  const one = Float64Array.of(1);
  for (const value of counted) {
    if (Math.abs(value) <= zeroThreshold) reading.zeroCount++;
    else reading.addBins(Math.sign(value), schema, Bins.of(schema).find(Math.abs(value)), one, 0, 1);
  }
}

function shown(parts: readonly (readonly [NativeOptions, readonly number[]])[], maxBuckets?: number): NativeHistogram {
  const reading = new NativeReading();
  const lowest = lowestOptions(parts.map(([own]) => own))!;
  reading.begin({ ...lowest, maxBuckets: maxBuckets ?? lowest.maxBuckets }, 0);
  for (const [own, counted] of parts) addTo(reading, own, counted);
  reading.end();
  assert.equal(
    reading.count,
    parts.reduce((sum, [, counted]) => sum + counted.length, 0),
  );
  return reading.toPlain();
}

function bucketsOf({ positive, negative }: NativeHistogram): number {
  return positive.length + negative.length;
}

describe('NativeReading', () => {
  it('shows the values of several processes as it shows those of one', () => {
    fc.assert(
      fc.property(options, fc.array(values, { minLength: 1, maxLength: 5 }), (own, processes) => {
        const apart = shown(processes.map((counted) => [own, counted]));
        assert.deepEqual(apart, shown([[own, processes.flat()]]));
      }),
    );
  });

  it('does not depend on the order of the parts, whatever their schemas and thresholds are', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(options, values), { minLength: 2, maxLength: 5 }), (parts) => {
        assert.deepEqual(shown(parts), shown(parts.toReversed()));
      }),
    );
  });

  it('is associative from schema 0 up: sums of sums are the sum of all', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(options, values), { minLength: 3, maxLength: 3 }), ([a, b, c]) => {
        const all = shown([a, b, c], 0);
        const left = sumOfNative([sumOfNative([shown([a], 0), shown([b], 0)]), shown([c], 0)]);
        const right = sumOfNative([shown([a], 0), sumOfNative([shown([b], 0), shown([c], 0)])]);
        // below schema 0 a threshold inside a bin widens to its end, which depends on what was added before
        if (all.schema < 0) return;
        assert.deepEqual(left, all);
        assert.deepEqual(right, all);
      }),
    );
  });

  it('never shows a higher schema, nor a lower threshold, while counts grow', () => {
    fc.assert(
      fc.property(options, values, (own, counted) => {
        let before = shown([[own, []]]);
        for (let count = 1; count <= counted.length; count++) {
          const now = shown([[own, counted.slice(0, count)]]);
          assert.ok(now.schema <= before.schema, `schema ${before.schema} became ${now.schema}`);
          assert.ok(now.zeroThreshold >= before.zeroThreshold);
          assert.ok(now.zeroCount >= before.zeroCount);
          before = now;
        }
      }),
    );
  });

  it('keeps the budget of buckets, unless the lowest schema needs more', () => {
    fc.assert(
      fc.property(options, values, (own, counted) => {
        const histogram = shown([[own, counted]]);
        const { maxBuckets } = own;
        assert.ok(maxBuckets === 0 || bucketsOf(histogram) <= maxBuckets || histogram.schema === MIN_SCHEMA);
        if (maxBuckets === 0) assert.equal(histogram.schema, own.schema);
      }),
    );
  });

  it('moves what is up to the highest threshold into the zero bucket', () => {
    const fine = { schema: 3, zeroThreshold: 2 ** -128, maxBuckets: 0 };
    const merged = shown([
      [fine, [0.1, 0.25, 0.26, -0.2, 3]],
      [{ ...fine, zeroThreshold: 0.25 }, [0.2, 1]],
    ]);
    assert.deepEqual([merged.zeroThreshold, merged.zeroCount], [0.25, 4]);
    assert.deepEqual(merged.positive, [
      [-15, 1],
      [0, 1],
      [13, 1],
    ]);
    assert.deepEqual(merged.negative, []);
  });

  it('widens a threshold to the end of a bin that it is in, once that bin has counts', () => {
    const coarse = { schema: -4, zeroThreshold: 1 / 4, maxBuckets: 0 };
    assert.deepEqual(shown([[coarse, [5]]]), {
      ...{ schema: -4, zeroThreshold: 1 / 4, zeroCount: 0 },
      ...{ positive: [[1, 1]], negative: [] },
    });
    assert.deepEqual(shown([[coarse, [0.5, 5]]]), {
      ...{ schema: -4, zeroThreshold: 1, zeroCount: 1 },
      ...{ positive: [[1, 1]], negative: [] },
    });
  });

  it('counts a classic bucket at its upper bound', () => {
    const reading = new NativeReading();
    reading.begin({ schema: 0, zeroThreshold: 2 ** -128, maxBuckets: 0 }, 0);
    for (const [bound, count] of [
      [-1, 1],
      [0, 2],
      [4, 3],
    ]) {
      reading.addValue(bound, count);
    }
    reading.end();
    assert.deepEqual(reading.toPlain(), {
      ...{ schema: 0, zeroThreshold: 2 ** -128, zeroCount: 2 },
      ...{ positive: [[2, 3]], negative: [[0, 1]] },
    });
  });
});
