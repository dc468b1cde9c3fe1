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

interface Gathered {
  readonly labels: Labels;
  readonly samples: Sample[];
  created: number | undefined;
}

/**
 * Groups the samples of a family into series, in small steps between which the caller may do something else. Samples of other
 * libraries may be in any order, and lines may be missing.
 */
export function* groupingSteps({ name, type, samples }: MetricFamily): Generator<void, SeriesGroup[]> {
  const { lineLabel, hasCreated } = metricKind(type);
  const created = hasCreated ? createdName(name, type) : undefined;
  const gathered = new GatheredSeries(lineLabel);
  for (const sample of samples) {
    const series = gathered.of(sample.labels);
    if (sample.name === created) series.created = sample.value;
    else series.samples.push(sample);
    yield;
  }
  const groups = new Map<string, { lines: Line[]; series: GroupedSeries[]; isNative: boolean }>();
  let group: { lines: Line[]; series: GroupedSeries[]; isNative: boolean } | undefined;
  for (const { labels, samples: own, created: createdAt } of gathered.all) {
    const native = own.find((sample) => sample.native !== undefined)?.native;
    const isNative = native !== undefined;
    if (group?.isNative !== isNative || !haveLines(own, group.lines, lineLabel)) {
      const lines = own.map(({ name: line, labels: { [lineLabel ?? '']: bound } }): Line =>
        lineLabel === undefined || bound === undefined
          ? { name: line }
          : { name: line, label: { name: lineLabel, value: bound } },
      );
      const key = JSON.stringify([isNative, lines]);
      group = groups.get(key);
      if (group === undefined) groups.set(key, (group = { lines, series: [], isNative }));
    }
    const values = own.map(({ value }) => value);
    group.series.push({ labels, values, exemplars: own.map(({ exemplar }) => exemplar), created: createdAt, native });
    yield;
  }
  return [...groups.values()];
}

function haveLines(samples: readonly Sample[], lines: readonly Line[], lineLabel: string | undefined): boolean {
  return (
    samples.length === lines.length &&
    samples.every(
      ({ name, labels }, at) =>
        name === lines[at].name && (lineLabel === undefined ? undefined : labels[lineLabel]) === lines[at].label?.value,
    )
  );
}

/**
 * Finds the series of samples by their labels without that of the line. Mostly a sample is of the series of the one before, and
 * has the same label names as the one before: to copy and sort the labels of each sample took half of the time of a push.
 */
class GatheredSeries {
  readonly all: Gathered[] = [];
  readonly #lineLabel: string | undefined;
  readonly #byKey = new Map<string, Gathered>();
  #last: Gathered | undefined;
  /** Label names of the last series, sorted. */
  #names: readonly string[] = [];

  constructor(lineLabel: string | undefined) {
    this.#lineLabel = lineLabel;
  }

  of(labels: Labels): Gathered {
    if (!this.#hasNames(labels)) {
      this.#names = Object.keys(labels)
        .filter((label) => label !== this.#lineLabel)
        .toSorted();
    } else if (this.#last !== undefined && this.#isLast(labels)) return this.#last;
    let key = '';
    // the lengths make the key unambiguous, whatever the texts contain
    for (const name of this.#names) key += `${name.length} ${labels[name].length} ${name}${labels[name]}`;
    let series = this.#byKey.get(key);
    if (series === undefined) {
      this.#byKey.set(key, (series = { labels: this.#withoutLine(labels), samples: [], created: undefined }));
      this.all.push(series);
    }
    return (this.#last = series);
  }

  #hasNames(labels: Labels): boolean {
    let count = 0;
    for (const label in labels) if (label !== this.#lineLabel) count++;
    return count === this.#names.length && this.#names.every((name) => Object.hasOwn(labels, name));
  }

  #isLast(labels: Labels): boolean {
    const known = this.#last!.labels;
    return this.#names.every((name) => known[name] === labels[name]);
  }

  #withoutLine(labels: Labels): Labels {
    const { [this.#lineLabel ?? '']: _, ...own } = labels;
    return own;
  }
}
