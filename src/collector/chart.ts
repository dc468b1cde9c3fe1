/** One metric as lines over time would show it: what a live chart needs of each collection, and no more. */
import { parseLabelText } from '../exposition/labels.js';
import type { MergedFamily } from '../merge/merged-family.js';
import type { MergedPart } from '../merge/merged-part.js';
import type { SelectedFamilies } from '../merge/selected-families.js';
import type { MetricFamily, MetricType } from '../model/metric-family.js';
import { Sketch } from '../model/sketch.js';

/**
 * What the lines of a chart are: each series, each living process, one for all, or one for each value of a label. Chosen
 * for the metric where it is left open.
 */
export type Grouping = 'series' | 'process' | 'total' | `label:${string}`;

export interface ChartRequest {
  readonly metric: string;
  readonly by?: Grouping;
}

export interface ChartLine {
  /** Labels, a process or a label's value; as it came from a file. */
  readonly name: string;
  readonly value: number;
}

export interface Chart {
  readonly metric: string;
  readonly type: MetricType;
  readonly help: string;
  readonly by: Grouping;
  /** What else its lines could be. */
  readonly choices: readonly Grouping[];
  /** The largest, at most MAX_LINES. Counters are totals, for the reader to make rates of; summaries are quantiles. */
  readonly lines: readonly ChartLine[];
  /** Lines that were left out. */
  readonly omitted: number;
  /** Histograms: observations so far in each bucket alone, one bucket more than bounds. */
  readonly buckets?: { readonly bounds: readonly number[]; readonly counts: readonly number[] };
}

/** One process that is alive, for charts by process. */
export interface LivingProcess {
  readonly label: string;
  readonly part: MergedPart;
}

/** More than a chart can show, for the reader to show the fastest of them. */
const MAX_LINES = 40;
/** A counter of no more series is shown by series where nothing was asked for. */
const FEW_SERIES = 10;
const USUAL_SHARES = [0.5, 0.9, 0.99];

type Drawn = Pick<Chart, 'lines' | 'omitted' | 'buckets'>;

/** Types whose series are drawn together, whatever the grouping; a type that is not here has lines by grouping. */
const DRAWN_TOGETHER: Readonly<
  Partial<Record<MetricType, (family: MergedFamily, series: readonly number[]) => Drawn>>
> = {
  histogram: (family, series) => ({
    lines: [],
    omitted: 0,
    buckets: { bounds: family.bounds, counts: countsOf(family, series) },
  }),
  summary: (family, series) => ({ lines: quantileLines(family, series), omitted: 0 }),
};

/** The chart of a merged metric; undefined where there is none of that name, or nothing to draw of it. */
export function chartOf(
  selected: SelectedFamilies,
  processes: readonly LivingProcess[],
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
  const lines = grouping === 'process' ? linesOfProcesses(family, processes) : linesOfGroups(family, series, grouping);
  return { ...about, ...largest(lines) };
}

/** The chart of a family that is there as it is shown. */
export function chartOfFamily({ name, type, help, samples }: MetricFamily): Chart {
  const lines = samples.map(({ labels, value }) => ({ name: Object.values(labels).join(' ') || name, value }));
  return { metric: name, type, help, by: 'series', choices: ['series'], ...largest(lines) };
}

/** What a metric can be grouped by, the most telling first. */
function groupings(family: MergedFamily, count: number): Grouping[] {
  if (DRAWN_TOGETHER[family.type] !== undefined) return ['total'];
  // each process has a line of its own already; and a sum of what is merged by `max` would be nobody's value
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
    return series.map((number) => ({ name: index.textOf[number] || family.name, value: valueOf(number) }));
  }
  const label = by.startsWith('label:') ? by.slice('label:'.length) : undefined;
  const sums = new Map<string, number>(label === undefined ? [[family.name, 0]] : []);
  for (const number of series) {
    const name = label === undefined ? family.name : (parseLabelText(index.textOf[number])[label] ?? '');
    sums.set(name, (sums.get(name) ?? 0) + valueOf(number));
  }
  return [...sums].map(([name, value]) => ({ name, value }));
}

/** Counters: one line a process. Gauges: one for each of its series. */
function linesOfProcesses(family: MergedFamily, processes: readonly LivingProcess[]): ChartLine[] {
  return processes.flatMap(({ label, part: file }) => {
    const values = family.parts.flatMap((part) =>
      [...file.ownValues(part)].map(([series, value]) => ({ text: part.index.textOf[series], value })),
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
  // where all fit they keep their order, and with it their colours
  if (lines.length <= MAX_LINES) return { lines: [...lines], omitted: 0 };
  const sorted = lines.toSorted((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
  return { lines: sorted.slice(0, MAX_LINES), omitted: lines.length - MAX_LINES };
}
