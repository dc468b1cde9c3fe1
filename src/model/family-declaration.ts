import type { MetricType } from './metric-family.js';

/** What a metric tells the world about itself when it is made: everything but its series. */
export interface FamilyDeclaration {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** The names of the metric and its labels may be any UTF-8 text. */
  readonly nameValidation?: 'utf8';
  readonly unit?: string;
  /** In the order of the user's array. */
  readonly labelNames: readonly string[];
  /** Gauges, Info and StateSet: name of the row of `gauge-mode.ts` that they merge by. */
  readonly gaugeMode?: string;
  /**
   * Counters and gauges: each thread of a process that has the metric measures the same thing, which counts once. Of the files of one
   * process the highest value of a counter holds, and of a gauge the one that was set last.
   */
  readonly processWide?: boolean;
  /** prom-client's `aggregator: 'omit'`: counted, and not shown in merged output. */
  readonly omit?: boolean;
  /** Histograms: finite upper bounds, ascending, without duplicates. */
  readonly bounds?: readonly number[];
  /** Summaries: quantiles to show, each in [0, 1]. */
  readonly quantiles?: readonly number[];
  /** Summaries with `maxAgeSeconds`: `count` windows of `seconds` each slide; without: one window for ever. */
  readonly window?: { readonly seconds: number; readonly count: number };
}

/** The same for declarations that say the same. */
export function declarationKey(declaration: FamilyDeclaration, labelNames = declaration.labelNames): string {
  const { type, help, unit, gaugeMode, omit, bounds, quantiles, window } = declaration;
  return JSON.stringify([type, help, unit, labelNames, gaugeMode, omit, bounds, quantiles, window]);
}

/** The same for declarations of the same metric: label names of an Info are what it was last set to. */
export function metricKey(declaration: FamilyDeclaration, labelNames = declaration.labelNames): string {
  return declarationKey(declaration, declaration.type === 'info' ? [] : labelNames);
}

/** What the parts of a declaration are called where a metric is made. */
const OPTION_NAMES: Readonly<Partial<Record<keyof FamilyDeclaration, string>>> = {
  gaugeMode: 'multiprocessMode',
  omit: "aggregator: 'omit'",
  bounds: 'buckets',
  quantiles: 'percentiles',
  window: 'maxAgeSeconds and ageBuckets',
};

/** In which options two declarations of one name differ, in words; undefined where they do not. */
export function differenceOf(known: FamilyDeclaration, wanted: FamilyDeclaration): string | undefined {
  const parts = ['type', 'help', 'labelNames', 'unit', 'gaugeMode', 'omit', 'bounds', 'quantiles', 'window'] as const;
  const differences = parts.flatMap((part) => {
    const [there, here] = [known[part], wanted[part]].map((value) => JSON.stringify(value) ?? 'none');
    return there === here ? [] : [`${OPTION_NAMES[part] ?? part} (${there} there, ${here} here)`];
  });
  return differences.length === 0 ? undefined : `It differs in ${differences.join(', ')}.`;
}
