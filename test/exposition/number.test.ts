import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatCanonicalNumber, formatNumber, MAX_NUMBER_BYTES, writeNumber } from '../../src/exposition/number.js';

const MAX = Number.MAX_SAFE_INTEGER;
const INTEGERS = [0, 9, 10, 99, 100, 999_999_999, 1e9, 1e9 + 1, 2 ** 31, 2 ** 32, MAX - 1, MAX, MAX + 1, 2 ** 60, 1e21];
const FRACTIONS = [0.1, 1.5, 1e-6, 1e-7, 5e-324, Number.MAX_VALUE, 1.2345678901234567e-6, 4503599627370495.5];
const EDGES = [...INTEGERS, ...FRACTIONS, Infinity];

/** Numbers of every kind, among them many integers of every length. */
const numbers = fc.oneof(
  fc.double(),
  fc.maxSafeInteger(),
  fc
    .tuple(fc.double({ min: 0, max: 16, noNaN: true }), fc.constantFrom(1, -1))
    .map(([e, s]) => s * Math.floor(10 ** e)),
  fc.constantFrom(...EDGES, ...EDGES.map((edge) => -edge), NaN),
);

function written(value: number): string {
  const target = Buffer.alloc(MAX_NUMBER_BYTES + 2, '.');
  const end = writeNumber(target, 1, value);
  assert.equal(target.toString('latin1', end), '.'.repeat(target.length - end), 'nothing after the end');
  assert.equal(target[0], '.'.charCodeAt(0), 'nothing before the start');
  return target.toString('latin1', 1, end);
}

describe('a number', () => {
  it('is formatted like this', () => {
    const spellings: [number, string][] = [
      [NaN, 'NaN'],
      [Infinity, '+Inf'],
      [-Infinity, '-Inf'],
      [0, '0'],
      [-0, '0'],
      [1, '1'],
      [-17, '-17'],
      [0.1, '0.1'],
      [1e21, '1e+21'],
      [1e-7, '1e-7'],
      [1e20, '100000000000000000000'],
      [1700000000.123, '1700000000.123'],
      [MAX, '9007199254740991'],
    ];
    for (const [value, spelling] of spellings) {
      assert.equal(formatNumber(value), spelling);
      assert.equal(written(value), spelling);
    }
  });

  it('is the same as bytes and as a string, and never longer than MAX_NUMBER_BYTES', () => {
    fc.assert(
      fc.property(numbers, (value) => {
        assert.equal(written(value), formatNumber(value));
      }),
      { numRuns: 5000 },
    );
    assert.equal(formatNumber(-1.2345678901234567e-6).length, MAX_NUMBER_BYTES);
  });

  it('reads back as itself', () => {
    fc.assert(
      fc.property(numbers, (value) => {
        if (Number.isFinite(value)) assert.equal(Number(formatNumber(value)), value + 0);
      }),
    );
  });
});

describe('a canonical number', () => {
  it('looks like a float, as OpenMetrics requires for le and quantile', () => {
    const spellings: [number, string][] = [
      [0, '0.0'],
      [-0, '0.0'],
      [1, '1.0'],
      [10, '10.0'],
      [0.001, '0.001'],
      [0.0001, '0.0001'],
      [0.00001, '1e-05'],
      [1e-10, '1e-10'],
      [2.5, '2.5'],
      [100000, '100000.0'],
      [123456.5, '123456.5'],
      [1e6, '1e+06'],
      [1234567, '1.234567e+06'],
      [1e10, '1e+10'],
      [1e100, '1e+100'],
      [-1e6, '-1e+06'],
      [-2, '-2.0'],
      [Infinity, '+Inf'],
      [-Infinity, '-Inf'],
      [NaN, 'NaN'],
    ];
    for (const [value, spelling] of spellings) assert.equal(formatCanonicalNumber(value), spelling);
  });

  it('reads back as itself', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        const spelling = formatCanonicalNumber(value);
        assert.equal(Number(spelling), value + 0);
        assert.match(spelling, /[.e]/);
      }),
    );
  });
});
