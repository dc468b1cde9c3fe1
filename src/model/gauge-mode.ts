/**
 * How the values of a gauge in several processes are merged: one row per mode. The modes are those of client_python's
 * multiprocess mode; prom-client's aggregators are mapped to them. No code elsewhere names a mode.
 */
import { invalidArgument } from '../errors.js';

/** The accumulator of a reducer: three float64 from `at` on. */
export const ACCUMULATOR = { value: 0, setAt: 1, count: 2, slots: 3 } as const;

export interface GaugeMode {
  readonly name: string;
  /** The value of a process disappears when the process dies. */
  readonly live: boolean;
  /** One series per process, with the label `pid`. */
  readonly perProcess: boolean;
  /** The mode needs the time of every `set`, not only of the first. */
  readonly timed: boolean;
  /** Not shown in merged output. */
  readonly hidden: boolean;
  /** The most similar aggregator of prom-client, for programs that merge JSON objects of several processes themselves. */
  readonly aggregator: string;
  /**
   * Adds the value of one more process; its `setAt` is not 0. `accumulators[at..at + 3)` are value, set-at and count, all 0
   * before the first call. Processes come oldest first, dead ones before living ones.
   */
  readonly reduce: (accumulators: Float64Array, at: number, value: number, setAt: number) => void;
  /** Converts the accumulated value to the shown one. Default: no change. */
  readonly finish?: (accumulators: Float64Array, at: number) => number;
}

type Reduce = GaugeMode['reduce'];

const sum: Reduce = (accumulators, at, value) => {
  accumulators[at] += value;
  accumulators[at + ACCUMULATOR.count]++;
};

/** Any number replaces a NaN. */
const maximum: Reduce = (accumulators, at, value) => {
  const so = accumulators[at];
  if (accumulators[at + ACCUMULATOR.count]++ === 0 || value > so || so !== so) accumulators[at] = value;
};

const minimum: Reduce = (accumulators, at, value) => {
  const so = accumulators[at];
  if (accumulators[at + ACCUMULATOR.count]++ === 0 || value < so || so !== so) accumulators[at] = value;
};

const mostRecent: Reduce = (accumulators, at, value, setAt) => {
  if (accumulators[at + ACCUMULATOR.count]++ === 0 || setAt >= accumulators[at + ACCUMULATOR.setAt]) {
    accumulators[at] = value;
    accumulators[at + ACCUMULATOR.setAt] = setAt;
  }
};

/**
 * Normally only one process has the series. If two processes had the same pid, the later call wins: a living process before
 * a dead one, a newer before an older.
 */
const last: Reduce = (accumulators, at, value) => {
  accumulators[at] = value;
  accumulators[at + ACCUMULATOR.count]++;
};

const first: Reduce = (accumulators, at, value) => {
  if (accumulators[at + ACCUMULATOR.count]++ === 0) accumulators[at] = value;
};

const mean = (accumulators: Float64Array, at: number): number =>
  accumulators[at] / accumulators[at + ACCUMULATOR.count];

function mode(name: string, reduce: Reduce, traits: Partial<GaugeMode> = {}): GaugeMode {
  return { name, live: false, perProcess: false, timed: false, hidden: false, aggregator: 'sum', reduce, ...traits };
}

export const GAUGE_MODES: ReadonlyMap<string, GaugeMode> = new Map(
  [
    mode('all', last, { perProcess: true }),
    mode('liveall', last, { perProcess: true, live: true }),
    mode('sum', sum),
    mode('livesum', sum, { live: true }),
    mode('max', maximum, { aggregator: 'max' }),
    mode('livemax', maximum, { live: true, aggregator: 'max' }),
    mode('min', minimum, { aggregator: 'min' }),
    mode('livemin', minimum, { live: true, aggregator: 'min' }),
    mode('mostrecent', mostRecent, { timed: true, aggregator: 'first' }),
    mode('livemostrecent', mostRecent, { timed: true, live: true, aggregator: 'first' }),
    // prom-client's aggregators without a mode in client_python; `multiprocessMode` does not accept these names
    mode('average', sum, { live: true, finish: mean, aggregator: 'average' }),
    mode('first', first, { live: true, aggregator: 'first' }),
    mode('omit', last, { live: true, hidden: true, aggregator: 'omit' }),
  ].map((row) => [row.name, row]),
);

/** client_python's modes, which `multiprocessMode` accepts. */
export const MULTIPROCESS_MODES = [
  'all',
  'liveall',
  'sum',
  'livesum',
  'max',
  'livemax',
  'min',
  'livemin',
  'mostrecent',
  'livemostrecent',
] as const;
export type MultiprocessMode = (typeof MULTIPROCESS_MODES)[number];

/** prom-client's aggregators and the mode of each. A prom-client cluster merges living processes only. */
const MODE_OF_AGGREGATOR: Readonly<Record<string, string>> = {
  sum: 'livesum',
  max: 'livemax',
  min: 'livemin',
  average: 'average',
  first: 'first',
  omit: 'omit',
};

/** The default of a prom-client cluster. */
const DEFAULT_MODE = 'livesum';

/** The mode of StateSet and Info, whose series end with their process: 1 if any living process has 1. */
export const STATE_MODE = 'livemax';

/** Returns the row of a name from a file; the row of DEFAULT_MODE if this release does not know the name. */
export function gaugeMode(name: string | undefined): GaugeMode {
  return GAUGE_MODES.get(name ?? DEFAULT_MODE) ?? GAUGE_MODES.get(DEFAULT_MODE)!;
}

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where a name is unknown, or both options are given */
export function resolveGaugeMode(options: { multiprocessMode?: string; aggregator?: string }): GaugeMode {
  const { multiprocessMode, aggregator } = options;
  if (multiprocessMode !== undefined && aggregator !== undefined) {
    throw invalidArgument(
      `multiprocessMode ${JSON.stringify(multiprocessMode)} and aggregator ${JSON.stringify(aggregator)} are both given: give one`,
    );
  }
  if (multiprocessMode !== undefined) {
    if (!(MULTIPROCESS_MODES as readonly string[]).includes(multiprocessMode)) {
      throw invalidArgument(
        `multiprocessMode ${JSON.stringify(multiprocessMode)} is not known: it is one of ${MULTIPROCESS_MODES.join(', ')}`,
      );
    }
    return GAUGE_MODES.get(multiprocessMode)!;
  }
  if (aggregator === undefined) return GAUGE_MODES.get(DEFAULT_MODE)!;
  assertAggregator(aggregator);
  return GAUGE_MODES.get(MODE_OF_AGGREGATOR[aggregator])!;
}

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where prom-client has no such aggregator */
export function assertAggregator(aggregator: string): void {
  if (Object.hasOwn(MODE_OF_AGGREGATOR, aggregator)) return;
  throw invalidArgument(
    `aggregator ${JSON.stringify(aggregator)} is not known: it is one of ${Object.keys(MODE_OF_AGGREGATOR).join(', ')}`,
  );
}

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the mode adds a label `pid` and the user has one */
export function assertModeFitsLabels(row: GaugeMode, labelNames: readonly string[]): void {
  if (!row.perProcess || !labelNames.includes('pid')) return;
  throw invalidArgument(
    `multiprocessMode ${row.name} adds the label "pid", which is among the labelNames: rename that label or take another mode`,
  );
}
