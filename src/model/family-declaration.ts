import type { MetricType } from './metric-family.js';

/** What a metric tells the world about itself when it is made: everything but its series. */
export interface FamilyDeclaration {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly unit?: string;
  /** In the order of the user's array. */
  readonly labelNames: readonly string[];
  /** Gauges, Info and StateSet: name of the row of `gauge-mode.ts` that they merge by. */
  readonly gaugeMode?: string;
  /** prom-client's `aggregator: 'omit'`: counted, and not shown in merged output. */
  readonly omit?: boolean;
  /** Histograms: finite upper bounds, ascending, without duplicates. */
  readonly bounds?: readonly number[];
  /** Summaries: quantiles to show, each in [0, 1]. */
  readonly quantiles?: readonly number[];
  /** Summaries with `maxAgeSeconds`: `count` windows of `seconds` each slide; without: one window for ever. */
  readonly window?: { readonly seconds: number; readonly count: number };
}
