/** The merged index as an exposition, rendered again and again (LineTable), and as a data model. */
import { ENDS, type ExpositionFormat, FAMILY_SEPARATORS } from '../exposition/format.js';
import { createdHeader, familyHeader, type HeadingOptions, headingsOf } from '../exposition/heading.js';
import { exemplarSuffix, joinLabelTexts, labelText, parseLabelText, samplePrefix } from '../exposition/labels.js';
import { LineTable } from '../exposition/line-table.js';
import { canonicalNumber } from '../exposition/number.js';
import { exemplarAt, writeValues } from '../merge/lines.js';
import type { MergedFamily } from '../merge/merged-family.js';
import type { MergeIndex } from '../merge/merge-index.js';
import type { MetricFamily } from '../model/metric-family.js';
import { createdName, exemplarLines } from '../model/metric-kind.js';
import { seriesSamples } from '../model/series-samples.js';

export interface OutputOptions extends HeadingOptions {
  /** Shows when each series of a counter, histogram or summary was made. */
  readonly created?: boolean;
}

interface FamilyBlock {
  readonly family: MergedFamily;
  readonly series: readonly number[];
}

/** One format's text. */
export class MergedText {
  readonly #index: MergeIndex;
  readonly #format: ExpositionFormat;
  readonly #options: OutputOptions;
  #structure = -1;
  #blocks: FamilyBlock[] = [];
  #table = new LineTable();
  #values = new Float64Array(0);

  constructor(index: MergeIndex, format: ExpositionFormat, options: OutputOptions) {
    this.#index = index;
    this.#format = format;
    this.#options = options;
  }

  /**
   * @param own families of the collector's own, always with the same samples, after the merged ones
   * @returns UTF-8, in memory that the next call writes over
   */
  render(own: readonly MetricFamily[]): Uint8Array {
    if (this.#structure !== this.#index.structure) {
      this.#build(own);
      this.#structure = this.#index.structure;
    }
    const values = this.#values;
    const exemplars = this.#index.exemplars.size > 0 && this.#format === 'openmetrics';
    const tails: string[] = [];
    let at = 0;
    for (const { family, series } of this.#blocks) {
      const createdWithin = this.#createdWithin(family);
      const withExemplars = exemplars ? (this.#exemplarLines.get(family) ?? 0) : 0;
      for (const number of series) {
        for (let line = 0; line < withExemplars; line++) {
          const exemplar = exemplarAt(this.#index, number, line);
          if (exemplar !== undefined) tails[at + line] = exemplarSuffix(exemplar);
        }
        at = writeValues(this.#index, family, number, values, at);
        if (createdWithin) values[at++] = this.#index.createdAt[number];
      }
      if (this.#createdApart(family)) for (const number of series) values[at++] = this.#index.createdAt[number];
    }
    for (const { samples } of own) for (const { value } of samples) values[at++] = value;
    return this.#table.render(values, tails);
  }

  #createdWithin(family: MergedFamily): boolean {
    return this.#createdPlace.get(family) === 'within';
  }

  #createdApart(family: MergedFamily): boolean {
    return this.#createdPlace.get(family) === 'apart';
  }

  #createdPlace = new Map<MergedFamily, 'within' | 'apart' | 'nowhere'>();
  /** How many lines of a series may have one; a counter that is shown as `unknown` has none. */
  #exemplarLines = new Map<MergedFamily, number>();

  #build(own: readonly MetricFamily[]): void {
    const format = this.#format;
    const table = new LineTable();
    this.#blocks = shownBlocks(this.#index);
    this.#createdPlace = new Map();
    this.#exemplarLines = new Map();
    const headings = headingsOf([...this.#blocks.map(({ family }) => family), ...own], format, this.#options);
    this.#blocks.forEach(({ family, series }, at) => {
      const heading = headings[at];
      if (at > 0) table.addText(FAMILY_SEPARATORS[format]);
      table.addText(familyHeader(family, heading, format));
      const created = this.#options.created === true ? createdLineName(family) : undefined;
      const place = created === undefined || series.length === 0 ? 'nowhere' : heading.created;
      this.#createdPlace.set(family, place);
      const strict = this.#options.strict === true && format === 'openmetrics';
      const lines = family.kind.lines(family);
      if (heading.exemplars) this.#exemplarLines.set(family, exemplarLines(family.kind, lines));
      const names = lines.map(({ name }) => (name === family.name ? heading.sampleName : name));
      const extra = lines.map(({ label }) =>
        label === undefined ? '' : labelText({ [label.name]: strict ? canonicalNumber(label.value) : label.value }),
      );
      for (const number of series) {
        const text = this.#index.textOf[number];
        names.forEach((name, line) => table.addLine(samplePrefix(name, joinLabelTexts(extra[line], text))));
        if (place === 'within') table.addLine(samplePrefix(created!, text));
      }
      if (place === 'apart') {
        table.addText(FAMILY_SEPARATORS[format] + createdHeader(family, heading, format));
        for (const number of series) table.addLine(samplePrefix(created!, this.#index.textOf[number]));
      }
    });
    own.forEach((family, at) => {
      if (at + this.#blocks.length > 0) table.addText(FAMILY_SEPARATORS[format]);
      table.addText(familyHeader(family, headings[this.#blocks.length + at], format));
      for (const { name, labels } of family.samples) table.addLine(samplePrefix(name, labelText(labels)));
    });
    if (table.lines === 0 && headings.length === 0) table.addText(FAMILY_SEPARATORS[format]);
    table.addText(ENDS[format]);
    this.#table = table;
    this.#values = new Float64Array(table.lines);
  }
}

/** The merged data model: the same families, series and order as the text. */
export function mergedFamilies(index: MergeIndex, options: OutputOptions): MetricFamily[] {
  return shownBlocks(index).map(({ family, series }) => {
    const lines = family.kind.lines(family);
    const withExemplars = exemplarLines(family.kind, lines);
    const values = new Float64Array(lines.length);
    const created = options.created === true ? createdLineName(family) : undefined;
    const samples = series.flatMap((number) => {
      writeValues(index, family, number, values, 0);
      const labels = parseLabelText(index.textOf[number]);
      const own = seriesSamples(lines, labels, values, (line) =>
        line < withExemplars ? exemplarAt(index, number, line) : undefined,
      );
      if (created !== undefined) own.push({ name: created, labels, value: index.createdAt[number] });
      return own;
    });
    const { name, help, type, unit } = family;
    const { aggregator } = family.mode;
    return {
      ...{ name, help, type },
      ...(unit !== undefined && { unit }),
      ...(family.isGauge && aggregator !== 'sum' && { aggregator }),
      samples,
    };
  });
}

/** `jobs_created` of `jobs_total`; undefined for types that have none. */
function createdLineName({ kind, name }: MergedFamily): string | undefined {
  return kind.hasCreated ? createdName(name, kind.type) : undefined;
}

function shownBlocks(index: MergeIndex): FamilyBlock[] {
  return index.families().map((family) => ({ family, series: index.shownSeries(family) }));
}
