import assert from 'node:assert/strict';
import { test } from 'node:test';
import { packFamilies, unpackFamilies } from '../../src/collector/packed-families.js';
import type { MetricFamily } from '../../src/model/metric-family.js';

function family(name: string, size: number): MetricFamily {
  const samples = Array.from({ length: size }, (_, at) => ({ name, labels: { at: String(at) }, value: at / 3 }));
  return { name, help: 'Help.', type: 'gauge', samples };
}

test('families come out as they were packed, in parts of 500 samples at most', () => {
  const families = [0, 1, 499, 500, 501, 0, 1750, 3].map((size, at) => family(`metric_${at}`, size));
  const packed = packFamilies(families);
  assert.equal(packed.length, 7);
  const steps = unpackFamilies(packed);
  let turns = 0;
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) turns++;
  assert.equal(turns, packed.length);
  assert.deepEqual(step.value, families);
  assert.deepEqual(unpackFamilies(packFamilies([])).next().value, []);
});
