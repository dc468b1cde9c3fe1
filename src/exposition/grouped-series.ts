import type { Exemplar, Labels, MetricFamily, Sample } from '../model/metric-family.js';
import type { NativeHistogram } from '../model/native-histogram.js';
import { createdName, type Line, metricKind } from '../model/metric-kind.js';

/** Series whose lines have the same names and the same bounds. */
export interface SeriesGroup {
  readonly lines: readonly Line[];
  readonly series: readonly GroupedSeries[];
  readonly isNative: boolean;
}

export interface GroupedSeries {
  readonly labels: Labels;
  /** The values of its lines. */
  readonly values: readonly number[];
  readonly exemplars: readonly (Exemplar | undefined)[];
  /** The creation time in seconds since the epoch; undefined without a `_created` sample. */
  readonly created: number | undefined;
  readonly native: NativeHistogram | undefined;
}

/** Groups the samples of a family into series. Samples of other libraries may be in any order, and lines may be missing. */
export function groupedSeries({ name, type, samples }: MetricFamily): SeriesGroup[] {
  const { lineLabel, hasCreated } = metricKind(type);
  const created = hasCreated ? createdName(name, type) : undefined;
  const bySeries = new Map<string, { labels: Labels; samples: Sample[]; created: number | undefined }>();
  for (const sample of samples) {
    const labels: Labels = { ...sample.labels };
    if (lineLabel !== undefined) delete labels[lineLabel];
    const key = JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    let series = bySeries.get(key);
    if (series === undefined) bySeries.set(key, (series = { labels, samples: [], created: undefined }));
    if (sample.name === created) series.created = sample.value;
    else series.samples.push(sample);
  }
  const groups = new Map<string, { lines: Line[]; series: GroupedSeries[]; isNative: boolean }>();
  for (const { labels, samples: own, created: createdAt } of bySeries.values()) {
    const lines = own.map(({ name: line, labels: { [lineLabel ?? '']: bound } }): Line =>
      lineLabel === undefined || bound === undefined
        ? { name: line }
        : { name: line, label: { name: lineLabel, value: bound } },
    );
    const native = own.find((sample) => sample.native !== undefined)?.native;
    const isNative = native !== undefined;
    const key = JSON.stringify([isNative, lines]);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { lines, series: [], isNative }));
    const values = own.map(({ value }) => value);
    group.series.push({ labels, values, exemplars: own.map(({ exemplar }) => exemplar), created: createdAt, native });
  }
  return [...groups.values()];
}
