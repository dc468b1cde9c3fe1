/** Renders the families of an output, again and again, as an exposition or as a data model. */
import type { CreatedPlace, ExpositionWriter, Format, NativeSink, OutputRules } from '../exposition/format.js';
import { labelText, parseLabelText } from '../exposition/labels.js';
import {
  DEFAULT_ESCAPING,
  escapeExemplar,
  escapeFamilies,
  escapeLabelText,
  escapeMetricName,
} from '../exposition/name-escaping.js';
import { exemplarAt, writeValues } from '../merge/lines.js';
import { readNative, writeNativeSeries } from '../merge/native-series.js';
import type { MergedFamily } from '../merge/merged-family.js';
import type { SelectedFamilies } from '../merge/selected-families.js';
import type { Exemplar, MetricFamily, Sample } from '../model/metric-family.js';
import { createdName, exemplarLines, metricKind } from '../model/metric-kind.js';
import { NativeReading } from '../model/native-histogram.js';
import { seriesSamples } from '../model/series-samples.js';
import { completed } from '../time-slices.js';

export interface OutputOptions extends OutputRules {
  /** Shows when each series of a counter, histogram or summary was created. */
  readonly created?: boolean;
}

interface FamilyBlock {
  readonly family: MergedFamily;
  readonly series: readonly number[];
}

/** A block in the form of one format. */
interface WrittenBlock extends FamilyBlock {
  readonly created: CreatedPlace;
  /** Number of lines of a series that may have exemplars. */
  readonly exemplarLines: number;
}

/** The exposition in one format. */
export class MergedBody {
  readonly #selected: SelectedFamilies;
  readonly #format: Format;
  readonly #options: OutputOptions;
  #structure = '';
  #blocks: readonly WrittenBlock[] = [];
  #writer: ExpositionWriter | undefined;
  #values = new Float64Array(0);
  readonly #reading = new NativeReading();

  constructor(selected: SelectedFamilies, format: Format, options: OutputOptions) {
    this.#selected = selected;
    this.#format = format;
    this.#options = options;
  }

  /**
   * @param own families of the collector itself, placed after the merged ones
   * @returns memory that the next call overwrites
   */
  render(own: readonly MetricFamily[]): Uint8Array {
    const { hasExemplars } = this.#selected;
    // the samples of pushes come with their records
    const structure = `${this.#selected.structure} ${own.flatMap(({ samples }) => samples.map(({ labels }) => labels.target)).join(' ')}`;
    if (this.#writer === undefined || this.#structure !== structure) {
      this.#writer = this.#build(own);
      this.#structure = structure;
    }
    const values = this.#values;
    const exemplars: Exemplar[] = [];
    const { natives } = this.#writer;
    const { escaping = DEFAULT_ESCAPING } = this.#options;
    natives?.clear();
    let at = 0;
    for (const { family, series, created, exemplarLines: traced } of this.#blocks) {
      const { index } = family;
      for (const number of series) {
        for (let line = 0; hasExemplars && line < traced; line++) {
          const exemplar = exemplarAt(index, family, number, line);
          if (exemplar !== undefined) exemplars[at + line] = escapeExemplar(exemplar, escaping);
        }
        if (natives !== undefined && family.native !== undefined) at = this.#addNative(natives, family, number, at);
        else at = writeValues(index, family, number, values, at);
        if (created === 'within') values[at++] = index.createdAt[number];
      }
      if (created === 'apart') for (const number of series) values[at++] = index.createdAt[number];
    }
    for (const { samples } of own) for (const { value } of samples) values[at++] = value;
    return this.#writer.render(values, exemplars);
  }

  /** The bins are read once, for the fields of the histogram and for its count. */
  #addNative(natives: NativeSink, family: MergedFamily, series: number, at: number): number {
    const { index } = family;
    readNative(index, family, series, this.#reading);
    natives.add(this.#reading);
    return writeNativeSeries(index, family, series, this.#values, at, this.#reading.count);
  }

  #build(own: readonly MetricFamily[]): ExpositionWriter {
    const { created: wanted, ...rules } = this.#options;
    const showsCreated = wanted === true || this.#format.showsCreated === true;
    const { escaping = DEFAULT_ESCAPING } = rules;
    const writer = this.#format.newWriter(rules);
    const shown = new Set(this.#selected.shownUnder(escaping));
    const blocks = shownBlocks(this.#selected, (family) => shown.has(family));
    const named = blocks.map(({ family: { name, type } }) => ({ name: escapeMetricName(name, escaping), type }));
    const shownOwn = escapeFamilies(own, escaping);
    const headings = this.#format.headings([...named, ...shownOwn], rules);
    this.#blocks = blocks.flatMap(({ family, series }, at) => {
      const heading = headings[at];
      if (!heading.isShown) return [];
      const { help, unit, kind, bounds, quantiles } = family;
      const { name } = named[at];
      const lines = kind.lines({ name, bounds, quantiles });
      const created = showsCreated && family.hasCreated && series.length > 0 ? heading.created : 'nowhere';
      writer.family({ name, help, unit, kind, lines, native: family.native !== undefined }, heading, created);
      for (const number of series) writer.series(escapeLabelText(family.index.textOf[number], escaping));
      return { family, series, created, exemplarLines: heading.exemplars ? exemplarLines(kind, lines) : 0 };
    });
    shownOwn.forEach(({ name, help, type, samples }, at) => {
      const kind = metricKind(type);
      writer.family({ name, help, kind, lines: kind.lines({ name }) }, headings[blocks.length + at], 'nowhere');
      for (const { labels } of samples) writer.series(labelText(labels));
    });
    writer.end();
    this.#values = new Float64Array(writer.valueCount);
    return writer;
  }
}

/** The merged data model: the same families, series and order as the text. */
export function mergedFamilies(...of: Parameters<typeof mergedFamilySteps>): MetricFamily[] {
  return completed(mergedFamilySteps(...of));
}

/** The same in a step for each series. */
export function* mergedFamilySteps(
  selected: SelectedFamilies,
  options: OutputOptions,
  isWanted: (family: MergedFamily) => boolean = () => true,
): Generator<void, MetricFamily[]> {
  const families: MetricFamily[] = [];
  for (const { family, series } of shownBlocks(selected, isWanted)) {
    const { index } = family;
    const lines = family.kind.lines(family);
    const withExemplars = exemplarLines(family.kind, lines);
    const values = new Float64Array(lines.length);
    const reading = new NativeReading();
    const created = options.created === true ? createdLineName(family) : undefined;
    const samples: Sample[] = [];
    for (const number of series) {
      writeValues(index, family, number, values, 0);
      const labels = parseLabelText(index.textOf[number]);
      const own = seriesSamples(lines, labels, values, (line) =>
        line < withExemplars ? exemplarAt(index, family, number, line) : undefined,
      );
      if (family.native !== undefined) {
        readNative(index, family, number, reading);
        own[own.length - 1].native = reading.toPlain();
      }
      if (created !== undefined) own.push({ name: created, labels, value: index.createdAt[number] });
      samples.push(...own);
      yield;
    }
    const { name, help, type, unit } = family;
    const { aggregator } = family.mode;
    families.push({
      ...{ name, help, type },
      ...(unit !== undefined && { unit }),
      ...(family.isGauge && aggregator !== 'sum' && { aggregator }),
      samples,
    });
  }
  return families;
}

/** `jobs_created` of `jobs_total`; undefined for types that have none. */
function createdLineName({ hasCreated, name, type }: MergedFamily): string | undefined {
  return hasCreated ? createdName(name, type) : undefined;
}

function shownBlocks(selected: SelectedFamilies, isWanted: (family: MergedFamily) => boolean): FamilyBlock[] {
  const families = selected.families().filter(isWanted);
  return families.map((family) => ({ family, series: family.index.shownSeries(family) }));
}
