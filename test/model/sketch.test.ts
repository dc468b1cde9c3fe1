import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ACCURACY, BIN_BITS, BIN_MASK, BINS_PER_CHUNK, magnitudeOf, placeOf, Sketch } from '../../src/model/sketch.js';

const SHARES = [0, 0.01, 0.25, 0.5, 0.75, 0.9, 0.99, 1];
const values = fc.array(
  fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.double({ min: -1000, max: 1000, noNaN: true }),
    fc.constantFrom(0, -0, 1, -1, Number.MIN_VALUE, Number.MAX_VALUE, -Number.MAX_VALUE),
  ),
  { minLength: 1, maxLength: 200 },
);

function sketchOf(counted: readonly number[]): Sketch {
  const sketch = new Sketch();
  for (const value of counted) addTo(sketch, value);
  return sketch;
}

/** As a reader, it adds to the bins of a chunk. */
function addTo(sketch: Sketch, value: number): void {
  const place = value === 0 ? 0 : placeOf(value);
  const sign = Math.sign(value) as -1 | 0 | 1;
  sketch.chunk(sign, place >> BIN_BITS)[place & BIN_MASK]++;
}

/** Returns the value at the rank of a share among sorted values. */
function exactQuantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))];
}

function isWithinAccuracy(value: number, exact: number): boolean {
  // a value below the smallest normal double has too few digits for an error of 1 %
  const tiny = 1e-300;
  return Math.abs(value - exact) <= 1.0001 * ACCURACY * Math.abs(exact) + tiny;
}

describe('Sketch', () => {
  it('has quantiles within 1 % of the exact ones, whatever the values', () => {
    fc.assert(
      fc.property(values, (counted) => {
        const sorted = counted.toSorted((a, b) => a - b);
        sketchOf(counted)
          .quantiles(SHARES)
          .forEach((value, at) => {
            const exact = exactQuantile(sorted, SHARES[at]);
            assert.ok(isWithinAccuracy(value!, exact), `${SHARES[at]}: ${value}, exactly ${exact}`);
          });
      }),
      { numRuns: 300 },
    );
  });

  it('merges into the same as one sketch of all values', () => {
    fc.assert(
      fc.property(values, values, (here, there) => {
        const merged = sketchOf(here);
        merged.include(sketchOf(there));
        assert.deepEqual(merged.quantiles(SHARES), sketchOf([...here, ...there]).quantiles(SHARES));
      }),
      { numRuns: 100 },
    );
  });

  it('has no quantiles before the first value, and none after it was cleared', () => {
    const sketch = new Sketch();
    assert.deepEqual(sketch.quantiles([0.5]), [undefined]);
    addTo(sketch, 3);
    sketch.clear();
    assert.deepEqual(sketch.quantiles([0.5]), [undefined]);
  });

  it('shows the exact value of equal values if it gets their mean', () => {
    for (const value of [1, 7, 0.3, -12, 100, 1e-9, 1e300, 0]) {
      assert.deepEqual(sketchOf([value, value]).quantiles([0.5, 0.99], value), [value, value]);
    }
  });

  it('ignores a mean of other values', () => {
    const [median] = sketchOf([100, 100]).quantiles([0.5], 50);
    assert.ok(isWithinAccuracy(median!, 100));
    const two = sketchOf([1, 1000]).quantiles([0, 1], 500.5);
    assert.ok(isWithinAccuracy(two[0]!, 1) && isWithinAccuracy(two[1]!, 1000));
  });

  it('puts every magnitude into a bin whose middle is near, and keeps the middle finite', () => {
    fc.assert(
      fc.property(fc.double({ min: 2 ** -1022, noDefaultInfinity: true, noNaN: true }), (magnitude) => {
        assert.ok(isWithinAccuracy(middleOfBinOf(magnitude), magnitude));
      }),
    );
    assert.ok(middleOfBinOf(Number.MAX_VALUE) <= Number.MAX_VALUE);
  });

  it('has bins in the order of magnitudes, each of which ends where the next begins', () => {
    for (const chunk of [-1022, -10, -1, 0, 1, 9, 1023]) {
      assert.equal(placeOf(2 ** chunk), chunk << BIN_BITS);
      for (let bin = 1; bin < BINS_PER_CHUNK; bin++) {
        const begin = 2 ** chunk * (1 + Math.ceil((2 ** (bin / BINS_PER_CHUNK) - 1) * 2 ** 20) / 2 ** 20);
        assert.equal(placeOf(begin), (chunk << BIN_BITS) | bin);
        assert.equal(placeOf(begin * (1 - Number.EPSILON)), (chunk << BIN_BITS) | (bin - 1));
      }
    }
  });

  it('gives a value and its negative the same place', () => {
    for (const value of [1e-300, 0.3, 1, 1.5, 7e20]) assert.equal(placeOf(-value), placeOf(value));
  });
});

function middleOfBinOf(magnitude: number): number {
  const place = placeOf(magnitude);
  return magnitudeOf(place >> BIN_BITS, place & BIN_MASK);
}
