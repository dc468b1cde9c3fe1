import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  Bins,
  chunkBits,
  isChunk,
  isNativeOptions,
  MAX_SCHEMA,
  MIN_SCHEMA,
  nativeOptions,
  upperBound,
} from '../../src/model/native-bins.js';

const SCHEMAS = Array.from({ length: MAX_SCHEMA - MIN_SCHEMA + 1 }, (_, at) => MIN_SCHEMA + at);
const schemas = fc.constantFrom(...SCHEMAS);
const magnitudes = fc.oneof(
  fc.double({ min: Number.MIN_VALUE, max: Number.MAX_VALUE, noNaN: true }),
  fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
  fc.integer({ min: -1074, max: 1023 }).map((exponent) => 2 ** exponent),
);

describe('Bins', () => {
  it('finds the bin whose bounds are around a value, the upper one inclusive', () => {
    fc.assert(
      fc.property(schemas, magnitudes, (schema, value) => {
        const bin = Bins.of(schema).find(value);
        assert.ok(value <= upperBound(schema, bin), `${value} in bin ${bin} up to ${upperBound(schema, bin)}`);
        // among subnormal numbers several bounds are one float64
        const isLowest = value <= 2 ** -1022 || bin === Bins.of(schema).find(2 ** -1022);
        assert.ok(isLowest || value > upperBound(schema, bin - 1), `${value} in bin ${bin}`);
      }),
      { numRuns: 5000 },
    );
  });

  it('puts an exact power of two into the bin below it, and the next float64 into the bin above', () => {
    for (const schema of SCHEMAS) {
      for (let exponent = -1021; exponent < 1023; exponent++) {
        if (schema < 0 && exponent % 2 ** -schema !== 0) continue;
        const power = 2 ** exponent;
        const bin = schema > 0 ? exponent * 2 ** schema : exponent / 2 ** -schema;
        assert.equal(Bins.of(schema).find(power), bin - 1, `2^${exponent} at schema ${schema}`);
        assert.equal(
          Bins.of(schema).find(power * (1 + Number.EPSILON)),
          bin,
          `above 2^${exponent} at schema ${schema}`,
        );
      }
    }
  });

  it('puts each bound of an octave into the bin below it', () => {
    for (let schema = 1; schema <= MAX_SCHEMA; schema++) {
      const perOctave = 2 ** schema;
      for (let bin = 1; bin < perOctave; bin++) {
        const bound = 2 ** (bin / perOctave);
        assert.equal(Bins.of(schema).find(bound), bin - 1);
        assert.equal(Bins.of(schema).find(bound * (1 + Number.EPSILON)), bin);
        assert.equal(Bins.of(schema).find(bound * 1024), 10 * perOctave + bin - 1);
      }
    }
  });

  it('finds the same bin at a lower schema as halving its number does', () => {
    fc.assert(
      fc.property(magnitudes, fc.integer({ min: MIN_SCHEMA + 1, max: MAX_SCHEMA }), (value, schema) => {
        assert.equal(Bins.of(schema - 1).find(value), Bins.of(schema).find(value) >> 1);
      }),
      { numRuns: 3000 },
    );
  });

  it('has every bin of a float64 in a chunk of a valid number', () => {
    for (const schema of SCHEMAS) {
      for (const value of [Number.MIN_VALUE, 2 ** -1022, 1, Number.MAX_VALUE]) {
        assert.ok(isChunk(schema, Bins.of(schema).find(value) >> chunkBits(schema)), `${value} at schema ${schema}`);
      }
      const highest = Bins.of(schema).find(Number.MAX_VALUE) >> chunkBits(schema);
      const lowest = Bins.of(schema).find(Number.MIN_VALUE) >> chunkBits(schema);
      assert.ok(!isChunk(schema, highest + 1));
      assert.ok(!isChunk(schema, lowest - 1));
    }
  });
});

describe('nativeOptions()', () => {
  it("has client_golang's schemas and defaults", () => {
    const schemaOf = (nativeHistogramBucketFactor: number): number | undefined =>
      nativeOptions({ nativeHistogramBucketFactor })?.schema;
    assert.deepEqual([1.1, 1.002, 1.0000001, 2, 1.5, 4, 16, 1e300].map(schemaOf), [3, 8, 8, 0, 1, -1, -2, -4]);
    assert.deepEqual(nativeOptions({ nativeHistogramBucketFactor: 1.1 }), {
      schema: 3,
      zeroThreshold: 2 ** -128,
      maxBuckets: 160,
    });
    assert.equal(nativeOptions({}), undefined);
  });

  it('rounds a zero threshold up to a power of two, and 0 to the smallest number above it', () => {
    const thresholdOf = (nativeHistogramZeroThreshold: number): number | undefined =>
      nativeOptions({ nativeHistogramBucketFactor: 1.1, nativeHistogramZeroThreshold })?.zeroThreshold;
    const given = [0, 0.001, 0.5, 0.500001, 1e-310, 2 ** -1074, 2 ** 1023];
    assert.deepEqual(given.map(thresholdOf), [2 ** -1074, 2 ** -9, 0.5, 1, 2 ** -1029, 2 ** -1074, 2 ** 1023]);
  });

  it('refuses a value with the rule, and with what to do', () => {
    const refusals: readonly [object, RegExp][] = [
      [{ nativeHistogramBucketFactor: 1 }, /nativeHistogramBucketFactor is a number above 1, not 1: with 1\.1/],
      [{ nativeHistogramBucketFactor: NaN }, /nativeHistogramBucketFactor is a number above 1, not NaN/],
      [{ nativeHistogramBucketFactor: '1.1' }, /nativeHistogramBucketFactor is a number above 1, not '1\.1'/],
      [{ nativeHistogramBucketFactor: Infinity }, /nativeHistogramBucketFactor is a number above 1, not Infinity/],
      [
        { nativeHistogramBucketFactor: 2, nativeHistogramZeroThreshold: -1 },
        /nativeHistogramZeroThreshold is a finite number from 0 up, not -1/,
      ],
      [
        { nativeHistogramBucketFactor: 2, nativeHistogramMaxBucketNumber: 1.5 },
        /nativeHistogramMaxBucketNumber is a whole number from 1 up, or 0 for no limit, not 1\.5/,
      ],
      [
        { nativeHistogramMaxBucketNumber: 10 },
        /nativeHistogramMaxBucketNumber has no effect without nativeHistogramBucketFactor: add it/,
      ],
      [{ nativeHistogramZeroThreshold: 10 }, /nativeHistogramZeroThreshold has no effect without/],
    ];
    for (const [config, message] of refusals) {
      assert.throws(() => nativeOptions(config), { code: 'ERR_INVALID_ARGUMENT', message });
    }
  });

  it('returns options that a reader accepts, which refuses others', () => {
    assert.ok(isNativeOptions(nativeOptions({ nativeHistogramBucketFactor: 1.01, nativeHistogramZeroThreshold: 0 })));
    const options = { schema: 3, zeroThreshold: 0.5, maxBuckets: 160 };
    assert.ok(isNativeOptions(options));
    const wrong = [{ schema: 9 }, { schema: 0.5 }, { zeroThreshold: 0.3 }, { zeroThreshold: 0 }, { maxBuckets: -1 }];
    for (const part of wrong) assert.ok(!isNativeOptions({ ...options, ...part }), JSON.stringify(part));
    assert.ok(!isNativeOptions(null));
  });
});
