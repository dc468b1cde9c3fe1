/** One metric as lines over time: the data that a live chart needs from each collection. */
import { parseLabelText } from '../exposition/labels.js';
import type { MergedFamily } from '../merge/merged-family.js';
import type { SelectedFamilies } from '../merge/selected-families.js';
import type { MetricFamily, MetricType } from '../model/metric-family.js';
import { Sketch } from '../model/sketch.js';
import type { MetricsFile } from './metrics-file.js';
import { nativeBuckets } from './native-buckets.js';

/**
 * The meaning of a chart's lines: each series, each living process, the total, or each value of a label. Without a
 * choice it depends on the metric.
 */
export type Grouping = 'series' | 'process' | 'total' | `label:${string}`;

export interface ChartRequest {
  readonly metric: string;
  readonly by?: Grouping;
}

export interface ChartLine {
  /** Labels, a process or a label's value; not escaped, and from a file. */
  readonly name: string;
  readonly value: number;
}

export interface Chart {
  /**
   * The largest lines, at most MAX_LINES. Counters are totals, from which the caller computes rates; summaries are
   * quantiles.
   */
  readonly lines: readonly ChartLine[];
  readonly metric: string;
  readonly type: MetricType;
  readonly help: string;
  readonly by: Grouping;
  /** The groupings that are possible for this metric. */
  readonly choices: readonly Grouping[];
  /** Number of lines that were left out. */
  readonly omitted: number;
  /** Histograms: whether it is a native one, which is drawn as a heatmap unless the user chooses otherwise. */
  readonly isNative?: boolean;
  /**
   * Histograms: the observations so far in each single bucket, one bucket more than bounds. Those of a native histogram are
   * its own buckets; their range grows as values arrive.
   */
  readonly buckets?: { readonly bounds: readonly number[]; readonly counts: readonly number[] };
}

/** More than a chart can show, so that the page can choose the fastest of them. */
const MAX_LINES = 40;
/** Without a choice, a counter with at most this many series has a line per series. */
const FEW_SERIES = 10;
const USUAL_SHARES = [0.5, 0.9, 0.99];

type Drawn = Pick<Chart, 'lines' | 'omitted' | 'buckets' | 'isNative'>;

/** Types whose series are drawn together, for any grouping; all other types have lines by grouping. */
const DRAWN_TOGETHER: Readonly<
  Partial<Record<MetricType, (family: MergedFamily, series: readonly number[]) => Drawn>>
> = {
  histogram: (family, series) => ({
    lines: [],
    omitted: 0,
    ...(family.native === undefined
      ? { buckets: { bounds: family.bounds, counts: countsOf(family, series) } }
      : { buckets: nativeBuckets(family, series), isNative: true }),
  }),
  summary: (family, series) => ({ lines: quantileLines(family, series), omitted: 0 }),
};

/** The chart of a merged metric; undefined where no metric has that name, or it has nothing to draw. */
export function chartOf(
  selected: SelectedFamilies,
  files: readonly MetricsFile[],
  { metric, by }: ChartRequest,
): Chart | undefined {
  const family = selected.families().find(({ name }) => name === metric);
  if (family === undefined || family.type === 'info') return undefined;
  const series = family.series.filter((number) => family.index.isShown(number, family));
  const choices = groupings(family, series.length);
  const grouping = by !== undefined && choices.includes(by) ? by : choices[0];
  const { type, help } = family;
  const about = { metric, type, help, by: grouping, choices };
  const together = DRAWN_TOGETHER[type];
  if (together !== undefined) return { ...about, ...together(family, series) };
  const lines = grouping === 'process' ? linesOfProcesses(family, files) : linesOfGroups(family, series, grouping);
  return { ...about, ...largest(lines) };
}

/** The chart of a family that is already in its shown form. */
export function chartOfFamily({ name, type, help, samples }: MetricFamily): Chart {
  const lines = samples.map(({ labels, value }) => ({ name: Object.values(labels).join(' ') || name, value }));
  return { metric: name, type, help, by: 'series', choices: ['series'], ...largest(lines) };
}

/** The groupings of a metric, the most useful first. */
function groupings(family: MergedFamily, count: number): Grouping[] {
  if (DRAWN_TOGETHER[family.type] !== undefined) return ['total'];
  // each process has its own line already; and a sum of values that are merged by `max` would have no meaning
  if (family.isGauge) return family.mode.perProcess ? ['series'] : ['process', 'series'];
  if (family.labelNames.length === 0) return ['total', 'process'];
  const labels = family.labelNames.map((label): Grouping => `label:${label}`);
  return count <= FEW_SERIES ? ['series', 'total', 'process', ...labels] : ['total', 'process', ...labels, 'series'];
}

function linesOfGroups(family: MergedFamily, series: readonly number[], by: Grouping): ChartLine[] {
  const { index } = family;
  const valueOf = (number: number): number =>
    family.isGauge ? index.gaugeValue(number, family.mode) : index.cells[index.cellOf[number]];
  if (by === 'series') {
    return series.map((number) => ({ name: index.texts.of(number) || family.name, value: valueOf(number) }));
  }
  const label = by.startsWith('label:') ? by.slice('label:'.length) : undefined;
  const sums = new Map<string, number>(label === undefined ? [[family.name, 0]] : []);
  for (const number of series) {
    const name = label === undefined ? family.name : (parseLabelText(index.texts.of(number))[label] ?? '');
    sums.set(name, (sums.get(name) ?? 0) + valueOf(number));
  }
  return [...sums].map(([name, value]) => ({ name, value }));
}

/** Of each process that is alive, or may be. Counters: one line. Gauges: one for each of its series. */
function linesOfProcesses(family: MergedFamily, files: readonly MetricsFile[]): ChartLine[] {
  return files.flatMap(({ kind, liveness, writer: { label }, part: file }) => {
    if (kind === 'archive' || liveness === 'dead') return [];
    const values = family.parts.flatMap(({ family: part, spell }) =>
      [...file.ownValues(part)].map(([series, value]) => ({ text: spell(part.index.texts.of(series)), value })),
    );
    if (values.length === 0) return [];
    if (!family.isGauge) return { name: label, value: values.reduce((sum, { value }) => sum + value, 0) };
    return values.map(({ text, value }) => ({ name: `${label} ${text}`.trimEnd(), value }));
  });
}

function countsOf({ index, bounds }: MergedFamily, series: readonly number[]): number[] {
  const counts = Array.from(bounds, () => 0);
  counts.push(0);
  for (const number of series) {
    const cell = index.cellOf[number];
    for (let bucket = 0; bucket < counts.length; bucket++) counts[bucket] += index.cells[cell + bucket];
  }
  return counts;
}

/** Quantiles of all series together. */
function quantileLines(family: MergedFamily, series: readonly number[]): ChartLine[] {
  const all = new Sketch();
  for (const number of series) {
    const sketch = family.index.sketches.get(number);
    if (sketch !== undefined) all.include(sketch);
  }
  const shares = family.quantiles.length > 0 ? family.quantiles : USUAL_SHARES;
  return all.quantiles(shares).map((value, at) => ({ name: String(shares[at]), value: value ?? NaN }));
}

function largest(lines: readonly ChartLine[]): { lines: ChartLine[]; omitted: number } {
  // where all lines fit they keep their order, and so their colours
  if (lines.length <= MAX_LINES) return { lines: [...lines], omitted: 0 };
  const sorted = lines.toSorted((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
  return { lines: sorted.slice(0, MAX_LINES), omitted: lines.length - MAX_LINES };
}
