/**
 * What tells the types of metrics apart: one row a type. No code elsewhere asks which type a metric has in order to store,
 * merge, name or print it; it reads the row. What instruments do with a value is theirs (`instruments/`), how a chart draws
 * a type is in `collector/chart.ts`, and what prom-client's objects show of it is in `registry/metric-object.ts`.
 */
import type { MetricType } from './metric-family.js';
import { counterBaseName, infoBaseName } from './naming.js';
import type { Sketch } from './sketch.js';

/** What the lines and the slots of a series depend on; declarations and merged families have it. */
export interface SeriesLayout {
  readonly name: string;
  readonly bounds?: readonly number[];
  readonly quantiles?: readonly number[];
}

/** One of the lines that an exposition shows of each series. */
export interface Line {
  readonly name: string;
  /** The kind's own label, which stands before those of the series, as in prom-client. */
  readonly label?: { readonly name: string; readonly value: string };
}

export interface MetricKind {
  readonly type: MetricType;
  /** The label that some of the lines carry, which is therefore forbidden to users. */
  readonly lineLabel?: string;
  /** In which blocks of a file its series are. Gauges merge by a mode (`gauge-mode.ts`), the rest by addition. */
  readonly block: 'sum' | 'histogram' | 'gauge';
  /** Consecutive float64 of a series in a file. Cells of a merged series have the same layout, but for gauges. */
  readonly slots: (layout: SeriesLayout) => number;
  /** Whether the slots are a count per bound of the declaration, one for what is above all of them, and the sum. */
  readonly hasBounds: boolean;
  /** What the samples of a family are called, less the suffixes of single lines. */
  readonly ownName: (name: string) => string;
  /** The lines of a series, in the order of `writeValues`. */
  readonly lines: (layout: SeriesLayout) => Line[];
  /**
   * Writes the values of a series' lines to `values[at, …)` out of its slots, and out of its sketch if it has one.
   *
   * @returns where the next series goes
   */
  readonly writeValues: WriteValues;
  /** Lines whose names end so may carry an exemplar: they are the first ones, and line n has the one attached to slot n. */
  readonly exemplarSuffix?: string;
  /** Which line counts something, for a display of rates. */
  readonly countedName?: (name: string) => string;
  /** OpenMetrics shows when its series were made. */
  readonly hasCreated: boolean;
  /** OpenMetrics allows a unit. */
  readonly hasUnit: boolean;
  /** A series ends with its process, whatever the mode of the family. */
  readonly endsWithProcess: boolean;
  /** Several threads may measure one thing of their process: a series has one value, of which the highest or newest is right. */
  readonly mayBeProcessWide: boolean;
  /** What text 0.0.4 calls the type, if not by its own name. */
  readonly textType?: string;
  /** Of families that OpenMetrics calls otherwise than their samples. */
  readonly openMetrics?: {
    /** The family's name; undefined where the rules of the type have none for this one. */
    readonly baseName: (name: string) => string | undefined;
    /** What the samples of a base name are called, for strict output. */
    readonly suffix: string;
    /** What a family is shown as that cannot have its base name. */
    readonly otherwise: MetricType;
  };
}

type WriteValues = (
  slots: Float64Array,
  slot: number,
  layout: SeriesLayout,
  sketch: Sketch | undefined,
  values: Float64Array,
  at: number,
) => number;

/** prom-client's spelling, and Prometheus': the shortest decimal that reads back as the same float64. */
const spelled = (bound: number): string => (bound === Infinity ? '+Inf' : String(bound));

const writeFirst: WriteValues = (slots, slot, _layout, _sketch, values, at) => {
  values[at] = slots[slot];
  return at + 1;
};

const ownName = (name: string): string => name;

const LE = 'le';
const QUANTILE = 'quantile';
const BUCKET = '_bucket';

function kind(type: MetricType, row: Partial<MetricKind> & Pick<MetricKind, 'block' | 'slots'>): MetricKind {
  return {
    type,
    hasBounds: false,
    ownName,
    lines: ({ name }) => [{ name: (row.ownName ?? ownName)(name) }],
    writeValues: writeFirst,
    hasCreated: false,
    hasUnit: true,
    endsWithProcess: false,
    mayBeProcessWide: false,
    ...row,
  };
}

/** value, set-at */
const GAUGE = { block: 'gauge', slots: () => 2 } as const;

/** Keyed by type, so that the compiler misses a row where there is none. */
const ROWS: Readonly<Record<MetricType, MetricKind>> = {
  counter: kind('counter', {
    block: 'sum',
    slots: () => 1,
    exemplarSuffix: '',
    countedName: (name) => name,
    hasCreated: true,
    mayBeProcessWide: true,
    openMetrics: { baseName: counterBaseName, suffix: '_total', otherwise: 'unknown' },
  }),
  gauge: kind('gauge', { ...GAUGE, mayBeProcessWide: true }),
  histogram: kind('histogram', {
    lineLabel: LE,
    block: 'histogram',
    // a count per bound, one for what is above all of them, the sum
    slots: ({ bounds = [] }) => bounds.length + 2,
    hasBounds: true,
    lines: ({ name, bounds = [] }) => [
      ...[...bounds, Infinity].map((bound) => ({ name: name + BUCKET, label: { name: LE, value: spelled(bound) } })),
      ...sumAndCount(name),
    ],
    writeValues: (slots, slot, { bounds = [] }, _sketch, values, at) => {
      const buckets = bounds.length + 1;
      let count = 0;
      for (let bucket = 0; bucket < buckets; bucket++) {
        count += slots[slot + bucket];
        values[at + bucket] = count;
      }
      values[at + buckets] = slots[slot + buckets];
      values[at + buckets + 1] = count;
      return at + buckets + 2;
    },
    exemplarSuffix: BUCKET,
    countedName: countName,
    hasCreated: true,
  }),
  summary: kind('summary', {
    lineLabel: QUANTILE,
    block: 'sum',
    // sum, count; the sketch is attached
    slots: () => 2,
    lines: ({ name, quantiles = [] }) => [
      ...quantiles.map((quantile) => ({ name, label: { name: QUANTILE, value: spelled(quantile) } })),
      ...sumAndCount(name),
    ],
    writeValues: (slots, slot, { quantiles = [] }, sketch, values, at) => {
      const [sum, count] = [slots[slot], slots[slot + 1]];
      const shown = sketch?.quantiles(quantiles, sum / count) ?? quantiles.map(() => 0);
      for (const value of shown) values[at++] = value ?? 0;
      values[at] = sum;
      values[at + 1] = count;
      return at + 2;
    },
    countedName: countName,
    hasCreated: true,
  }),
  info: kind('info', {
    ...GAUGE,
    ownName: (name) => `${infoBaseName(name)}_info`,
    hasUnit: false,
    endsWithProcess: true,
    textType: 'gauge',
    openMetrics: { baseName: infoBaseName, suffix: '_info', otherwise: 'gauge' },
  }),
  stateset: kind('stateset', { ...GAUGE, hasUnit: false, endsWithProcess: true, textType: 'gauge' }),
  unknown: kind('unknown', { ...GAUGE, textType: 'untyped' }),
};

export const METRIC_KINDS: ReadonlyMap<string, MetricKind> = new Map(Object.entries(ROWS));

/** The row of a type; of 'unknown' where it is of no type, as the metrics of other libraries may be. */
export function metricKind(type: string): MetricKind {
  return METRIC_KINDS.get(type) ?? ROWS.unknown;
}

/** The name of the samples that show when a series was made (OpenMetrics 1.0, 5.1). */
export function createdName(name: string, type: string): string {
  return `${metricKind(type).openMetrics?.baseName(name) ?? name}_created`;
}

/** How many lines of a series, from the first on, may carry an exemplar. */
export function exemplarLines({ exemplarSuffix }: MetricKind, lines: readonly Line[]): number {
  return exemplarSuffix === undefined ? 0 : lines.filter(({ name }) => name.endsWith(exemplarSuffix)).length;
}

function sumAndCount(name: string): Line[] {
  return [{ name: `${name}_sum` }, { name: countName(name) }];
}

function countName(name: string): string {
  return `${name}_count`;
}
