/**
 * Releases with different declarations of one name run side by side, die and are folded in any order. In every case a
 * strict reader accepts the output, an old reader shows the same as a new one, and a fold changes nothing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { foldDirectory } from '../../src/archive/fold.js';
import type { FamilyDeclaration } from '../../src/model/family-declaration.js';
import type { MetricFamily } from '../../src/model/metric-family.js';
import { gaugeMode, MULTIPROCESS_MODES, STATE_MODE } from '../../src/model/gauge-mode.js';
import { decodeProtobuf } from '../support/protobuf-decoder.js';
import { DeadProcess } from '../support/dead-process.js';
import { assertHistogramsAreSound, assertNoDuplicateSeries, parseExposition } from '../support/exposition-parser.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';

// These tests make processes that live because their files are locked, also in a run of the suite without native code.
delete process.env.PROM_MULTIPROC_NO_MMAP;

const NAME = 'thing';
/** Above the pids of dead processes that a test makes up. */
const FIRST_PID = 7_000_000;

interface Release {
  readonly declaration: FamilyDeclaration;
  readonly values: readonly number[];
  readonly defaultLabels: Record<string, string> | undefined;
  readonly registries: readonly string[];
  readonly ends: 'never' | 'dead' | 'folded';
}

const common = { name: fc.constant(NAME), help: fc.constantFrom('Old "help"', 'New\\\nhelp') };
const labelNames = fc.shuffledSubarray(['kind', 'zone']);
const bounds = fc
  .uniqueArray(fc.integer({ min: -3, max: 9 }), { maxLength: 4 })
  .map((all) => all.toSorted((a, b) => a - b));

const nativeOptions = fc.record({
  schema: fc.integer({ min: -4, max: 8 }),
  zeroThreshold: fc.constantFrom(2 ** -128, 0.5, 4),
  maxBuckets: fc.constantFrom(0, 2, 160),
});

const declaration: fc.Arbitrary<FamilyDeclaration> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      ...common,
      labelNames,
      type: fc.constant('gauge' as const),
      gaugeMode: fc.constantFrom(...MULTIPROCESS_MODES, 'average', 'first', 'omit', 'of a release to come'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ ...common, labelNames, type: fc.constant('histogram' as const), bounds }) },
  {
    weight: 3,
    arbitrary: fc.record({
      ...common,
      labelNames,
      type: fc.constant('histogram' as const),
      bounds,
      native: nativeOptions,
    }),
  },
  { weight: 1, arbitrary: fc.record({ ...common, labelNames, type: fc.constant('counter' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      ...{ ...common, labelNames, type: fc.constant('counter' as const) },
      openLabels: fc.constant(true),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      ...common,
      labelNames: fc.constant([]),
      type: fc.constant('summary' as const),
      quantiles: fc.uniqueArray(fc.constantFrom(0, 0.5, 0.9, 1), { maxLength: 3 }),
      window: fc.constantFrom(undefined, { seconds: 60, count: 2 }, { seconds: 30, count: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      ...common,
      labelNames: fc.constantFrom(['kind', NAME], [NAME, 'zone']),
      type: fc.constantFrom('stateset' as const, 'info' as const),
      gaugeMode: fc.constant('livemax'),
    }),
  },
);

const release: fc.Arbitrary<Release> = fc.record({
  declaration,
  values: fc.array(fc.nat(12), { minLength: 1, maxLength: 3 }),
  defaultLabels: fc.constantFrom<Release['defaultLabels']>(undefined, { zone: 'west' }, { kind: 'any', app: 'shop' }),
  registries: fc.constantFrom<readonly string[]>(['default'], ['other'], ['default', 'other']),
  ends: fc.constantFrom('never', 'dead', 'folded'),
});

/** Gauges that were folded without a pid belong to no single process: gauges that are shown per process come first. */
function perProcessFirst(releases: readonly Release[]): Release[] {
  const rank = (mode: string | undefined): number => Number(!gaugeMode(mode).perProcess);
  return releases.toSorted((a, b) => rank(a.declaration.gaugeMode) - rank(b.declaration.gaugeMode));
}

function count(process: DeadProcess, { declaration: declared, values, registries }: Release, at: number): void {
  process.declare(declared, registries);
  for (const value of values) {
    const labels = Object.fromEntries(declared.labelNames.map((name) => [name, `é"\\\n${value % 2}`]));
    const { type, gaugeMode: mode = '', bounds: own = [] } = declared;
    if (type === 'counter') process.count(NAME, labels, value);
    else if (type === 'histogram') process.observe(NAME, own, value, labels);
    else if (type === 'summary') process.summarize(NAME, value);
    else process.set(NAME, mode, labels, value, at);
  }
}

function inOrder(families: readonly MetricFamily[]): unknown {
  return families.map(({ samples, ...family }) => ({
    ...family,
    samples: samples.map((sample) => JSON.stringify(sample)).toSorted(),
  }));
}

/** Schema and zero threshold of each series when it was last seen. */
type Resolutions = Map<string, readonly [schema: number, zeroThreshold: number]>;

/** Protobuf has the same native histograms as the families, and no resolution is higher than before. */
function assertNativeIsSound(reading: Reading, families: readonly MetricFamily[], resolutions: Resolutions): void {
  const expected = families.flatMap(({ samples }) =>
    samples.flatMap(({ labels, value, native }) => (native === undefined ? [] : { ...native, labels, count: value })),
  );
  const decoded = decodeProtobuf(reading.body('protobuf')).flatMap((family) => family.native);
  assert.deepEqual(
    decoded.map(({ sum, exemplars, ...histogram }) => ({ ...histogram, sum, exemplars })),
    expected.map(({ labels, ...histogram }, at) => ({
      ...{ ...histogram, labels: { ...labels } },
      ...{ sum: decoded[at].sum, exemplars: [] },
    })),
  );
  // a release that declared another type in between has hidden what was counted before
  if (families.some(({ type }) => type !== 'histogram')) resolutions.clear();
  for (const { schema, zeroThreshold, zeroCount, positive, negative, labels, ...more } of decoded) {
    assert.equal(
      [...positive, ...negative].reduce((sum, [, inBucket]) => sum + inBucket, zeroCount),
      more.count,
    );
    const key = JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    const [highest, lowest] = resolutions.get(key) ?? [Infinity, 0];
    assert.ok(schema <= highest && zeroThreshold >= lowest, `schema ${schema} after ${highest}`);
    resolutions.set(key, [schema, zeroThreshold]);
  }
}

test('releases that declare one name in any two ways make an output that is valid, and that no fold changes', (t) => {
  fc.assert(
    fc.property(fc.array(release, { minLength: 2, maxLength: 5 }), fc.boolean(), (releases, created) => {
      const dir = withTempDir(t);
      const start = Math.floor(Date.now() / 1000) - 100;
      const standing = new Reading(dir, { created });
      const living: DeadProcess[] = [];
      const resolutions: Resolutions = new Map();
      const look = (): unknown => {
        const reading = new Reading(dir, { created });
        for (const format of ['text', 'openmetrics'] as const) {
          const text = reading.text(format);
          parseExposition(text, format);
          assertNoDuplicateSeries(text);
          assertHistogramsAreSound(text);
          assert.equal(standing.text(format), text);
        }
        const families = reading.families();
        assertNativeIsSound(reading, families, resolutions);
        assert.deepEqual(decodeProtobuf(standing.body('protobuf')), decodeProtobuf(reading.body('protobuf')));
        reading.close();
        return inOrder(families);
      };
      for (const [at, each] of perProcessFirst(releases).entries()) {
        const clock = t.mock.method(Date, 'now', () => (start + at) * 1000);
        const identity = { pid: FIRST_PID + at, startedAt: start + at, createdAt: start + at };
        const process = new DeadProcess(dir, { identity, defaultLabels: each.defaultLabels });
        count(process, each, start + at);
        clock.mock.restore();
        process.show();
        look();
        if (each.ends === 'never') living.push(process);
        else process.die();
        const before = look();
        if (each.ends === 'folded') assert.equal(foldDirectory(dir).abandoned, undefined);
        assert.deepEqual(look(), before);
      }
      standing.close();
      for (const process of living) process.die();
    }),
    { numRuns: 60 },
  );
});

test('an Info keeps the order of its labels while a new process has declared it and not set it', async (t) => {
  const dir = withTempDir(t);
  const shape = { name: 'build_info', help: 'h', type: 'info', gaugeMode: STATE_MODE } as const;
  const set = new DeadProcess(dir);
  set.declare({ ...shape, labelNames: ['version', 'revision'] });
  set.set('build_info', STATE_MODE, { version: '1', revision: '7' }, 1, 1).show();
  const reading = new Reading(dir);
  const line = /^build_info\{version="1",revision="7"\} 1$/m;
  assert.match(reading.text(), line);
  const declared = new DeadProcess(dir);
  // a declaration in the same millisecond would not be the newest one
  await setTimeout(5);
  declared.declare({ ...shape, labelNames: [] });
  declared.show();
  assert.match(reading.text(), line);
  reading.close();
});

test('labels keep their order when a fold drops a declaration that has no series', (t) => {
  const dir = withTempDir(t);
  const states = new DeadProcess(dir);
  states.declare({ name: NAME, help: 'h', type: 'stateset', labelNames: ['kind', NAME], gaugeMode: STATE_MODE });
  states.show();
  const identity = { pid: FIRST_PID, startedAt: 1, createdAt: Date.now() / 1000 + 1 };
  const observed = new DeadProcess(dir, { identity, defaultLabels: { kind: 'any', app: 'shop' } });
  observed.observe(NAME, [], 0, {}).show();
  const line = /^thing_count\{app="shop",kind="any"\} 1$/m;
  const reading = new Reading(dir);
  assert.match(reading.text(), line);
  for (const process of [states, observed]) {
    process.die();
    assert.equal(foldDirectory(dir).abandoned, undefined);
    assert.match(reading.text(), line);
  }
  reading.close();
});
