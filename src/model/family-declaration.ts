import type { MetricType } from './metric-family.js';
import type { NativeOptions } from './native-bins.js';

/** The description of a metric when it is made: everything but its series. */
export interface FamilyDeclaration {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** The names of the metric and its labels may be any UTF-8 text. */
  readonly nameValidation?: 'utf8';
  readonly unit?: string;
  /** In the order of the user's array. */
  readonly labelNames: readonly string[];
  /** Processes add labels when they first see them: that other processes have other labels is no disagreement. */
  readonly openLabels?: boolean;
  /** Gauges, Info and StateSet: the name of the merge mode, a row of `gauge-mode.ts`. */
  readonly gaugeMode?: string;
  /**
   * Counters and gauges: every thread of a process measures the same value, which counts once. Merging takes the highest
   * value of a counter among the files of one process, and the gauge value that was set last.
   */
  readonly processWide?: boolean;
  /** A series that has been idle for this time is removed from a process, and from the archive. */
  readonly expireAfterSeconds?: number;
  /** prom-client's `aggregator: 'omit'`: the metric is counted but not shown in merged output. */
  readonly omit?: boolean;
  /** Histograms: finite upper bounds, ascending, without duplicates. */
  readonly bounds?: readonly number[];
  /** Histograms with native bins. Without `bounds` they have no classic buckets. */
  readonly native?: NativeOptions;
  /** Summaries: quantiles to show, each in [0, 1]. */
  readonly quantiles?: readonly number[];
  /** Summaries with `maxAgeSeconds`: `count` sliding windows of `seconds` each. Without it: one window that never ends. */
  readonly window?: { readonly seconds: number; readonly count: number };
}

/** Returns a key that is equal for equal declarations. */
export function declarationKey(declaration: FamilyDeclaration, labelNames = declaration.labelNames): string {
  const { type, help, unit, gaugeMode, omit, bounds, quantiles, window, native } = declaration;
  return JSON.stringify([type, help, unit, labelNames, gaugeMode, omit, bounds, quantiles, window, native]);
}

/** The same for declarations of one metric, without the label names of an Info, which each `set` may change. */
export function metricKey(declaration: FamilyDeclaration, labelNames = declaration.labelNames): string {
  return declarationKey(declaration, declaration.type === 'info' ? [] : labelNames);
}

/** The option of a metric's constructor that each part of a declaration comes from. */
const OPTION_NAMES: Readonly<Partial<Record<keyof FamilyDeclaration, string>>> = {
  gaugeMode: 'multiprocessMode',
  omit: "aggregator: 'omit'",
  bounds: 'buckets',
  quantiles: 'percentiles',
  native: 'nativeHistogramBucketFactor and its options',
  window: 'maxAgeSeconds and ageBuckets',
};

const PARTS = [
  'type',
  'help',
  'labelNames',
  'unit',
  'gaugeMode',
  'omit',
  'bounds',
  'quantiles',
  'window',
  'native',
] as const;

/** Returns a sentence that names the options in which two declarations differ; undefined where they are equal. */
export function differenceOf(known: FamilyDeclaration, wanted: FamilyDeclaration): string | undefined {
  const differences = PARTS.flatMap((part) => {
    const [there, here] = [known[part], wanted[part]].map((value) => JSON.stringify(value) ?? 'none');
    return there === here ? [] : [`${OPTION_NAMES[part] ?? part} (${there} there, ${here} here)`];
  });
  return differences.length === 0 ? undefined : `It differs in ${differences.join(', ')}.`;
}
