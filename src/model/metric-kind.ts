/**
 * The differences between metric types: one row per type. No code elsewhere asks for the type of a metric in order to store,
 * merge, name or print it; it reads the row. The methods of each type are in `instruments/`, the look of a chart is in
 * `collector/chart.ts`, and the fields of prom-client's objects are in `registry/metric-object.ts`.
 */
import type { MetricType } from './metric-family.js';
import { counterBaseName, infoBaseName } from './naming.js';
import type { Sketch } from './sketch.js';

/** The properties that the lines and the slots of a series depend on; declarations and merged families have them. */
export interface SeriesLayout {
  readonly name: string;
  readonly bounds?: readonly number[];
  readonly quantiles?: readonly number[];
}

/** One of the lines that an exposition shows for each series. */
export interface Line {
  readonly name: string;
  /** The label that the type adds. It comes before the labels of the series, as in prom-client. */
  readonly label?: { readonly name: string; readonly value: string };
}

export interface MetricKind {
  readonly type: MetricType;
  /** The name of the label that the type adds to some lines. Users must not declare it. */
  readonly lineLabel?: string;
  /** The kind of block in a file that holds its series. Gauges merge by a mode (`gauge-mode.ts`), all others by addition. */
  readonly block: 'sum' | 'histogram' | 'gauge';
  /** Number of consecutive float64 of a series in a file. Merged series have the same layout, except gauges. */
  readonly slots: (layout: SeriesLayout) => number;
  /** Whether the slots are a count per declared bound, a count of the values above all bounds, and the sum. */
  readonly hasBounds: boolean;
  /** Returns the name of the samples without the suffixes of single lines. */
  readonly ownName: (name: string) => string;
  /** Returns the lines of a series, in the order of `writeValues`. */
  readonly lines: (layout: SeriesLayout) => Line[];
  /** Writes the values of a series' lines, from its slots and its sketch, to `values[at, …)`. @returns the next index */
  readonly writeValues: WriteValues;
  /** Lines with this suffix may carry an exemplar. They are the first lines, and line n has that of slot n. */
  readonly exemplarSuffix?: string;
  /** Returns the name of the line that is a count, for displays of rates. */
  readonly countedName?: (name: string) => string;
  /** OpenMetrics shows the creation times of the series. */
  readonly hasCreated: boolean;
  /** OpenMetrics allows a unit. */
  readonly hasUnit: boolean;
  /** A series ends with its process, whatever the merge mode of the family is. */
  readonly endsWithProcess: boolean;
  /** Several threads may measure the same value of their process: the highest or the newest one is right. */
  readonly mayBeProcessWide: boolean;
  /** The name of the type in text 0.0.4, if it is another one. */
  readonly textType?: string;
  /** For types whose OpenMetrics family name differs from the name of the samples. */
  readonly openMetrics?: {
    /** Returns the family name; undefined if the rules of the type give none for this name. */
    readonly baseName: (name: string) => string | undefined;
    /** The suffix that strict output adds to the family name to get the sample name. */
    readonly suffix: string;
    /** The type that is shown for a family that cannot have its family name. */
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

/** The format of prom-client and Prometheus: the shortest decimal that reads back as the same float64. */
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

/** Keyed by type, so that the compiler reports a missing row. */
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
    // a count per bound, the count above all bounds, the sum
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
        count = Math.min(Number.MAX_VALUE, count + slots[slot + bucket]);
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
    // sum, count; the sketch is stored apart
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

/** Returns the row of a type; that of 'unknown' for any other text, since other libraries may have any type. */
export function metricKind(type: string): MetricKind {
  return METRIC_KINDS.get(type) ?? ROWS.unknown;
}

/** Returns the name of the sample that shows the creation time of a series (OpenMetrics 1.0, 5.1). */
export function createdName(name: string, type: string): string {
  return `${metricKind(type).openMetrics?.baseName(name) ?? name}_created`;
}

/** Returns the number of lines, counted from the first, that may carry an exemplar. */
export function exemplarLines({ exemplarSuffix }: MetricKind, lines: readonly Line[]): number {
  return exemplarSuffix === undefined ? 0 : lines.filter(({ name }) => name.endsWith(exemplarSuffix)).length;
}

function sumAndCount(name: string): Line[] {
  return [{ name: `${name}_sum` }, { name: countName(name) }];
}

function countName(name: string): string {
  return `${name}_count`;
}
