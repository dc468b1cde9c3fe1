/**
 * Random programs against prom-client's surface, as data. A program is a list of steps, so that a shrunk one is readable and
 * can be kept as a test case.
 */
import fc from 'fast-check';

export type Kind = 'Counter' | 'Gauge' | 'Histogram' | 'Summary';
const KINDS: readonly Kind[] = ['Counter', 'Gauge', 'Histogram', 'Summary'];

/** The configuration of a metric. Registries are numbers here, because every client has its own. */
export interface Config {
  readonly name?: string;
  readonly help?: string;
  readonly labelNames?: readonly string[];
  readonly registers?: readonly number[];
  readonly aggregator?: string;
  readonly enableExemplars?: boolean;
  readonly buckets?: readonly number[];
  readonly percentiles?: readonly number[];
  readonly maxAgeSeconds?: number;
  readonly ageBuckets?: number;
  readonly pruneAgedBuckets?: boolean;
  /** The value that `collect()` writes, and whether it is asynchronous; or a value that is not a function. */
  readonly collect?: { readonly value: number; readonly later: boolean } | 'no function';
}

/** Metrics and children have numbers. */
export type Step =
  | { readonly make: Kind; readonly as: number; readonly config: Config }
  | { readonly call: string; readonly of: number; readonly args: readonly unknown[] }
  | { readonly hold: readonly unknown[]; readonly of: number; readonly as: number }
  | { readonly callHeld: string; readonly of: number; readonly args: readonly unknown[] }
  | {
      readonly time: number;
      readonly held: boolean;
      readonly labels?: object;
      readonly seconds: number;
      readonly end?: object;
    }
  | { readonly ask: RegistryCall; readonly of: number; readonly args: readonly unknown[] }
  | { readonly register: number; readonly in: number }
  | { readonly merge: readonly number[] }
  | { readonly aggregate: readonly number[] }
  | { readonly wait: number };

export type RegistryCall =
  | 'metrics'
  | 'getMetricsAsJSON'
  | 'getMetricsAsArray'
  | 'getSingleMetric'
  | 'getSingleMetricAsString'
  | 'removeSingleMetric'
  | 'clear'
  | 'resetMetrics'
  | 'setDefaultLabels'
  | 'setContentType';

/** The default registry and two more. */
export const REGISTRIES = 3;
const METRICS = 4;
const CHILDREN = 2;
const NAMES = ['a', 'b_total', 'c_seconds', 'd:e_total'];
/** Advances the windows of summaries by whole ones, see `maxAgeSeconds`. */
const LONG_WAIT_SECONDS = 1200;

const name = fc.constantFrom(...NAMES);
const registry = fc.nat(REGISTRIES - 1);
const usualNumber = fc.constantFrom(0, 1, 2, 0.1, 0.2, 2.5, 7, 1e-7, 1e21, 123_456_789);
/** Without '' and false, which prom-client's counters accept and print as infinite. */
const unusualValue = fc.constantFrom<unknown>(
  -1,
  -0.5,
  NaN,
  Infinity,
  -Infinity,
  '3',
  'x',
  null,
  undefined,
  true,
  5n,
  [3],
);
const value = fc.oneof({ weight: 4, arbitrary: usualNumber }, { weight: 1, arbitrary: unusualValue });

/** No commas, colons, empty or undefined values: differences.test.ts covers those. */
const labelValue = fc.constantFrom<unknown>('p', 'q', 'a"b\\c\nd', 'é', 200, 1.5, true);
const emptyValue = fc.constantFrom<unknown>(0, null, false);
const labels = fc.oneof(
  { weight: 8, arbitrary: fc.record({ x: fc.oneof(labelValue, emptyValue), y: labelValue }, { requiredKeys: [] }) },
  { weight: 1, arbitrary: fc.record({ x: labelValue, z: labelValue }, { requiredKeys: ['z'] }) },
  { weight: 1, arbitrary: fc.constant<object>(['p']) },
);
const labelArguments = fc.oneof(
  labels.map((object): unknown[] => [object]),
  fc.array(labelValue, { maxLength: 3 }),
);
const valueArguments = fc.oneof(
  { weight: 1, arbitrary: fc.constant<unknown[]>([]) },
  { weight: 2, arbitrary: value.map((only) => [only]) },
  { weight: 1, arbitrary: labels.map((only) => [only]) },
  { weight: 6, arbitrary: fc.tuple<unknown[]>(labels, value) },
);
const childArguments = fc.array(value, { maxLength: 1 });
const exemplarArguments = fc
  .record(
    { labels, value, exemplarLabels: fc.record({ trace: labelValue, span: labelValue }, { requiredKeys: [] }) },
    { requiredKeys: [] },
  )
  .map((only): unknown[] => [only]);

const config: fc.Arbitrary<Config> = fc.record(
  {
    name: fc.oneof({ weight: 12, arbitrary: name }, { weight: 1, arbitrary: fc.constantFrom('', 'x-y', '1a', 'a b') }),
    help: fc.oneof({ weight: 12, arbitrary: fc.constantFrom('Help.', 'Back\\slash\nand "quote".') }, fc.constant('')),
    labelNames: fc.oneof(
      { weight: 12, arbitrary: fc.constantFrom<string[]>([], ['x'], ['x', 'y'], ['y', 'x']) },
      fc.constantFrom(['le'], ['quantile'], ['x-y'], ['x', '']),
    ),
    registers: fc.array(registry, { maxLength: 2 }),
    aggregator: fc.constantFrom('sum', 'first', 'min', 'max', 'average', 'omit'),
    enableExemplars: fc.boolean(),
    buckets: fc
      .uniqueArray(fc.constantFrom(-2, 0, 0.1, 1, 2.5, 1e6), { maxLength: 4 })
      .map((all) => all.toSorted((a, b) => a - b)),
    percentiles: fc.uniqueArray(fc.constantFrom(0, 0.01, 0.5, 0.9, 1), { maxLength: 3 }),
    maxAgeSeconds: fc.constant(600),
    ageBuckets: fc.constantFrom(1, 5),
    pruneAgedBuckets: fc.boolean(),
    collect: fc.oneof(
      { weight: 6, arbitrary: fc.record({ value: usualNumber, later: fc.boolean() }) },
      fc.constant('no function' as const),
    ),
  },
  { requiredKeys: ['name', 'help'] },
);

const METHODS = ['inc', 'dec', 'set', 'observe', 'setToCurrentTime', 'remove', 'reset', 'zero', 'get', 'labels'];

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ make: fc.constantFrom(...KINDS), as: fc.nat(METRICS - 1), config }).map(namedApart),
  },
  {
    weight: 10,
    arbitrary: fc
      .constantFrom(...METHODS)
      .chain((call) => fc.record({ call: fc.constant(call), of: fc.nat(METRICS - 1), args: argumentsOf(call) })),
  },
  { weight: 2, arbitrary: fc.record({ hold: labelArguments, of: fc.nat(METRICS - 1), as: fc.nat(CHILDREN - 1) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      callHeld: fc.constantFrom('inc', 'dec', 'set', 'observe', 'setToCurrentTime'),
      of: fc.nat(CHILDREN - 1),
      args: childArguments,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record(
      { time: fc.nat(CHILDREN - 1), held: fc.boolean(), labels, seconds: fc.constantFrom(0.25, 1, 2), end: labels },
      { requiredKeys: ['time', 'held', 'seconds'] },
    ),
  },
  {
    weight: 6,
    arbitrary: fc
      .constantFrom<RegistryCall>(
        'metrics',
        'metrics',
        'getMetricsAsJSON',
        'getMetricsAsArray',
        'getSingleMetric',
        'getSingleMetricAsString',
        'removeSingleMetric',
        'clear',
        'resetMetrics',
        'setDefaultLabels',
        'setContentType',
      )
      .chain((ask) => fc.record({ ask: fc.constant(ask), of: registry, args: registryArguments(ask) })),
  },
  { weight: 1, arbitrary: fc.record({ register: fc.nat(METRICS - 1), in: registry }) },
  { weight: 1, arbitrary: fc.record({ merge: fc.array(registry, { minLength: 1, maxLength: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ aggregate: fc.array(registry, { maxLength: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ wait: fc.constantFrom(0.5, LONG_WAIT_SECONDS) }) },
);

/**
 * Gives a metric with a reserved label another name: of two mistakes at once, the label and a registered name, either may be
 * reported.
 */
function namedApart(making: { make: Kind; as: number; config: Config }): Step {
  const reserved = making.config.labelNames?.find((label) => label === 'le' || label === 'quantile');
  if (reserved === undefined) return making;
  return { ...making, config: { ...making.config, name: `${making.make}_${reserved}`, enableExemplars: false } };
}

function argumentsOf(method: string): fc.Arbitrary<readonly unknown[]> {
  if (method === 'labels' || method === 'remove') return labelArguments;
  if (method === 'reset' || method === 'get') return fc.constant([]);
  if (method === 'setToCurrentTime') return fc.array(labels, { maxLength: 1 });
  // on series that no other step writes to: zero() is a difference for the others
  if (method === 'zero') return fc.constant([{ x: 'zeroed' }]);
  return fc.oneof({ weight: 4, arbitrary: valueArguments }, { weight: 1, arbitrary: exemplarArguments });
}

function registryArguments(call: RegistryCall): fc.Arbitrary<readonly unknown[]> {
  if (call === 'setDefaultLabels') {
    const defaults = fc.record({ app: fc.constantFrom('shop', 3), y: labelValue }, { requiredKeys: [] });
    return defaults.map((only) => [only]);
  }
  if (call === 'setContentType') return fc.constantFrom(['text'], ['openmetrics'], ['text/html']);
  return call.includes('Single') ? name.map((only) => [only]) : fc.constant([]);
}

/** The first step makes a valid metric, so that few programs have no effect. */
export const program: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    fc.record({
      make: fc.constantFrom(...KINDS),
      as: fc.constant(0),
      config: config.map((random) => ({ ...random, name: 'a', help: 'A.', labelNames: ['x', 'y'] })),
    }),
    fc.array(step, { minLength: 1, maxLength: 25 }),
  )
  .map(([first, rest]) => [first, ...rest]);
