import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  ACCUMULATOR,
  assertAggregator,
  assertModeFitsLabels,
  gaugeMode,
  MULTIPROCESS_MODES,
  resolveGaugeMode,
} from '../../src/model/gauge-mode.js';

type Setting = readonly [value: number, setAt: number];

/** Returns the merged value of the values of processes, oldest process first. */
function merged(modeName: string, ...settings: Setting[]): number {
  const mode = gaugeMode(modeName);
  const at = ACCUMULATOR.slots; // not at 0, so that the test finds a forgotten offset
  const accumulators = new Float64Array(3 * ACCUMULATOR.slots);
  for (const [value, setAt] of settings) mode.reduce(accumulators, at, value, setAt);
  assert.deepEqual([...accumulators.subarray(0, at)], [0, 0, 0]);
  assert.deepEqual([...accumulators.subarray(at + ACCUMULATOR.slots)], [0, 0, 0]);
  assert.equal(accumulators[at + ACCUMULATOR.count], settings.length);
  return mode.finish === undefined ? accumulators[at] : mode.finish(accumulators, at);
}

describe('gauge modes', () => {
  it('are one row each', () => {
    const rows = [...MULTIPROCESS_MODES, 'average', 'first', 'omit'].map((name) => gaugeMode(name));
    const traits = rows.map(({ name, live, perProcess, timed, hidden }) => {
      const words = Object.entries({ live, perProcess, timed, hidden }).filter(([, holds]) => holds);
      return [name, ...words.map(([word]) => word)].join(' ');
    });
    assert.deepEqual(traits, [
      'all perProcess',
      'liveall live perProcess',
      'sum',
      'livesum live',
      'max',
      'livemax live',
      'min',
      'livemin live',
      'mostrecent timed',
      'livemostrecent live timed',
      'average live',
      'first live',
      'omit live hidden',
    ]);
  });

  it('merge 1, 2 and 3 of three processes, the second of which was set last', () => {
    const settings: Setting[] = [
      [1, 100],
      [2, 300],
      [3, 200],
    ];
    const values = [...MULTIPROCESS_MODES, 'average', 'first'].map((name) => [name, merged(name, ...settings)]);
    assert.deepEqual(Object.fromEntries(values), {
      all: 3,
      liveall: 3,
      sum: 6,
      livesum: 6,
      max: 3,
      livemax: 3,
      min: 1,
      livemin: 1,
      mostrecent: 2,
      livemostrecent: 2,
      average: 2,
      first: 1,
    });
  });

  it('take the first value, whatever it is: the initial 0 is no minimum or maximum', () => {
    assert.equal(merged('min', [5, 1], [7, 1]), 5);
    assert.equal(merged('max', [-5, 1], [-7, 1]), -5);
    assert.equal(merged('min', [Infinity, 1]), Infinity);
    assert.equal(merged('max', [-Infinity, 1]), -Infinity);
    assert.equal(merged('mostrecent', [-1, -100], [-2, -200]), -1);
  });

  it('prefer any number to NaN as maximum and minimum, in any order', () => {
    for (const mode of ['max', 'min', 'livemax', 'livemin']) {
      assert.equal(merged(mode, [NaN, 1], [4, 1]), 4, mode);
      assert.equal(merged(mode, [4, 1], [NaN, 1]), 4, mode);
      assert.equal(merged(mode, [NaN, 1], [NaN, 1]), NaN, mode);
    }
  });

  it('keep infinities, and NaN in a sum', () => {
    assert.equal(merged('sum', [Infinity, 1], [1, 1]), Infinity);
    assert.equal(merged('sum', [Infinity, 1], [-Infinity, 1]), NaN);
    assert.equal(merged('sum', [NaN, 1], [1, 1]), NaN);
    assert.equal(merged('average', [Infinity, 1], [1, 1]), Infinity);
  });

  it('take the newer process where two set a value in the same instant', () => {
    assert.equal(merged('mostrecent', [1, 100], [2, 100]), 2);
  });

  it('merge the same in every order, except those that depend on it', () => {
    const settings = fc.array(fc.tuple(fc.oneof(fc.integer(), fc.constantFrom(NaN, Infinity)), fc.nat()), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(settings, fc.constantFrom('max', 'min', 'sum', 'average'), fc.nat(), (all, mode, turn) => {
        const turned = [...all.slice(turn % all.length), ...all.slice(0, turn % all.length)].toReversed();
        assert.equal(merged(mode, ...turned), merged(mode, ...all));
      }),
    );
  });
});

describe('the mode that options ask for', () => {
  it('is the one named', () => {
    for (const name of MULTIPROCESS_MODES) assert.equal(resolveGaugeMode({ multiprocessMode: name }).name, name);
  });

  it('covers living processes for an aggregator of prom-client', () => {
    const names = ['sum', 'max', 'min', 'average', 'first', 'omit'];
    assert.deepEqual(
      names.map((aggregator) => resolveGaugeMode({ aggregator }).name),
      ['livesum', 'livemax', 'livemin', 'average', 'first', 'omit'],
    );
    assert.ok(names.every((aggregator) => resolveGaugeMode({ aggregator }).live));
  });

  it('is livesum without either option, as in a prom-client cluster', () => {
    assert.equal(resolveGaugeMode({}).name, 'livesum');
    assert.equal(resolveGaugeMode({ multiprocessMode: undefined, aggregator: undefined }).name, 'livesum');
  });

  it('is refused at once if it is misspelled, with the valid names', () => {
    assert.throws(() => resolveGaugeMode({ multiprocessMode: 'livesumm' }), {
      code: 'ERR_INVALID_ARGUMENT',
      message:
        'multiprocessMode "livesumm" is not known: it is one of all, liveall, sum, livesum, max, livemax, min, livemin, mostrecent, livemostrecent',
    });
    for (const aggregator of ['avg', 'livesum', 'toString', '__proto__']) {
      const thrown = {
        code: 'ERR_INVALID_ARGUMENT',
        message: `aggregator "${aggregator}" is not known: it is one of sum, max, min, average, first, omit`,
      };
      assert.throws(() => resolveGaugeMode({ aggregator }), thrown);
      assert.throws(() => assertAggregator(aggregator), thrown);
    }
    assert.throws(() => resolveGaugeMode({ multiprocessMode: 'average' }), { code: 'ERR_INVALID_ARGUMENT' });
  });

  it('cannot be given by both options', () => {
    assert.throws(() => resolveGaugeMode({ multiprocessMode: 'sum', aggregator: 'max' }), {
      code: 'ERR_INVALID_ARGUMENT',
      message: 'multiprocessMode "sum" and aggregator "max" are both given: give one',
    });
  });

  it('cannot add the label pid if the user declared it', () => {
    for (const name of ['all', 'liveall']) {
      assert.throws(() => assertModeFitsLabels(gaugeMode(name), ['queue', 'pid']), {
        code: 'ERR_INVALID_ARGUMENT',
        message: `multiprocessMode ${name} adds the label "pid", which is among the labelNames: rename that label or take another mode`,
      });
      assertModeFitsLabels(gaugeMode(name), ['queue']);
    }
    assertModeFitsLabels(gaugeMode('livesum'), ['pid']);
  });

  it('falls back to livesum if a later release wrote it to the file', () => {
    assert.equal(gaugeMode('median').name, 'livesum');
    assert.equal(gaugeMode(undefined).name, 'livesum');
  });
});
