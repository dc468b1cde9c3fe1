/**
 * A collector that stands adds what has changed in the bins, and overwrites the counts in its last body. A new one adds all bins and
 * encodes all series.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nativeRole } from '../../src/metrics-file/attachment.js';
import type { FamilyDeclaration } from '../../src/model/family-declaration.js';
import type { Series, SeriesFamily } from '../../src/storage/series.js';
import { decodeProtobuf } from '../support/protobuf-decoder.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { attach, createFile, type WrittenFile } from '../support/written-file.js';

const FIRST_PID = 6_000_000;
const PROCESSES = 2;
const SERIES = 2;
const MAX_STEPS = 20;
const FORMATS = ['protobuf', 'text'] as const;

const DECLARATION: FamilyDeclaration = {
  ...{ name: 'took_seconds', help: 'h', type: 'histogram', labelNames: ['route'], bounds: [] },
  native: { schema: 3, zeroThreshold: 2 ** -128, maxBuckets: 160 },
};
/** Adjacent chunks, the one behind a gap, negative values, a coarse chunk, and the zero bucket. */
const ROLES = [
  nativeRole(1, 0, 3),
  nativeRole(1, 1, 3),
  nativeRole(1, 9, 3),
  nativeRole(-1, 0, 3),
  nativeRole(1, 5, 0),
  nativeRole(0, 0, 0),
];
const often = <T>(common: T, rare: T): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(common) }, { weight: 1, arbitrary: fc.constant(rare) });

const change = fc.record({
  process: fc.nat(PROCESSES - 1),
  series: fc.nat(SERIES - 1),
  role: fc.oneof({ weight: 9, arbitrary: fc.constantFrom(0, 1) }, { weight: 1, arbitrary: fc.nat(ROLES.length - 1) }),
  slot: fc.nat(3),
  by: fc.oneof(
    { weight: 15, arbitrary: fc.integer({ min: 1, max: 200 }) },
    { weight: 2, arbitrary: fc.constantFrom(2 ** 14, 2 ** 21, 2 ** 28, 2 ** 31, 2 ** 40) },
    { weight: 1, arbitrary: fc.constantFrom(2 ** 52, -1, 0.5) },
  ),
});
const step = fc.record({
  changes: fc.array(change, { minLength: 1, maxLength: 6 }),
  /** A body that is not asked for sees several changes at once. */
  looks: fc.subarray([...FORMATS], { minLength: 1 }),
  ends: often(false, true),
});

interface ObservingProcess extends WrittenFile {
  readonly family: SeriesFamily;
  readonly series: (Series | undefined)[];
}

test('however counts change, a collector that stands shows what a new one does', (t) => {
  t.mock.method(console, 'warn', () => {});
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: MAX_STEPS }), fc.constantFrom(4, 160), (steps, budget) => {
      const dir = withTempDir(t);
      let pid = FIRST_PID;
      const start = (maxBuckets: number): ObservingProcess => {
        const file = createFile(dir, { identity: { pid: pid++ } });
        const native = { ...DECLARATION.native!, maxBuckets };
        return { ...file, family: file.store.declare({ ...DECLARATION, native }, ['default']), series: [] };
      };
      const processes = Array.from({ length: PROCESSES }, () => start(budget));
      const standing = new Reading(dir);
      for (const { changes, looks, ends } of steps) {
        if (ends) {
          processes[0].writer.close();
          processes[0] = start(4);
        }
        for (const { process, series: number, role, slot, by } of changes) {
          const { store, family, series } = processes[process];
          const one = (series[number] ??= attach(store, family, [String(number)]));
          const known = one.attachments?.find((each) => each.role === ROLES[role]);
          const chunk = known ?? store.attachTo(one, ROLES[role]);
          const at = chunk.index + (ROLES[role].sign === 0 ? 0 : slot);
          const count = chunk.view[at] + by;
          // a bin that was no count becomes one again
          chunk.view[at] = Number.isSafeInteger(chunk.view[at]) && chunk.view[at] >= 0 ? count : 1;
        }
        for (const { writer } of processes) writer.flush();
        const fresh = new Reading(dir);
        if (looks.includes('text')) assert.equal(standing.text(), fresh.text());
        if (looks.includes('protobuf')) {
          assert.deepEqual(decodeProtobuf(standing.body('protobuf')), decodeProtobuf(fresh.body('protobuf')));
        }
        assert.deepEqual(standing.families(), fresh.families());
        fresh.close();
      }
      standing.close();
      for (const { writer } of processes) writer.close();
    }),
    { numRuns: Number(process.env.NATIVE_CHANGES_RUNS ?? 40) },
  );
});

test('a bucket that fills a gap takes one of the budget, and a zero bucket may become large', (t) => {
  const dir = withTempDir(t);
  const { store, writer } = createFile(dir);
  const native = { ...DECLARATION.native!, maxBuckets: 3 };
  const series = attach(store, store.declare({ ...DECLARATION, native }, ['default']), ['0']);
  const bins = store.attachTo(series, nativeRole(1, 0, 3));
  const zero = store.attachTo(series, nativeRole(0, 0, 0));
  const standing = new Reading(dir);
  const look = (): unknown => {
    writer.flush();
    const [{ native: shown }] = decodeProtobuf(standing.body('protobuf'));
    return shown.map(({ schema, zeroCount, positive }) => [schema, zeroCount, positive.map(([, count]) => count)]);
  };
  zero.view[zero.index] = 1;
  for (const bin of [0, 2, 3]) bins.view[bins.index + bin] = 5;
  assert.deepEqual(look(), [[3, 1, [5, 5, 5]]]);
  bins.view[bins.index + 2] = 6;
  zero.view[zero.index] = 2 ** 40;
  assert.deepEqual(look(), [[3, 2 ** 40, [5, 6, 5]]]);
  bins.view[bins.index + 1] = 1;
  assert.deepEqual(look(), [[2, 2 ** 40, [6, 11]]]);
  standing.close();
  writer.close();
});
