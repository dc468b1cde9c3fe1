/** The merged index as an exposition, rendered again and again (LineTable), and as a data model. */
import { ENDS, type ExpositionFormat, FAMILY_SEPARATORS } from '../exposition/format.js';
import { createdHeader, familyHeader, type HeadingOptions, headingsOf } from '../exposition/heading.js';
import { exemplarSuffix, joinLabelTexts, labelText, parseLabelText, samplePrefix } from '../exposition/labels.js';
import { LineTable } from '../exposition/line-table.js';
import { createdLineName, type LineName, lineNames, writeExemplars, writeValues } from '../merge/lines.js';
import type { MergedFamily } from '../merge/merged-family.js';
import { isGauge, type MergeIndex } from '../merge/merge-index.js';
import type { Labels, MetricFamily, Sample } from '../model/metric-family.js';

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
      for (const number of series) {
        if (exemplars && this.#exemplarFamilies.has(family)) {
          writeExemplars(this.#index, family, number, at, (line, exemplar) => {
            tails[line] = exemplarSuffix(exemplar);
          });
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
  /** A counter that is shown as `unknown` may have none. */
  #exemplarFamilies = new Set<MergedFamily>();

  #build(own: readonly MetricFamily[]): void {
    const format = this.#format;
    const table = new LineTable();
    this.#blocks = shownBlocks(this.#index);
    this.#createdPlace = new Map();
    this.#exemplarFamilies = new Set();
    const headings = headingsOf([...this.#blocks.map(({ family }) => family), ...own], format, this.#options);
    this.#blocks.forEach(({ family, series }, at) => {
      const heading = headings[at];
      if (at > 0) table.addText(FAMILY_SEPARATORS[format]);
      table.addText(familyHeader(family, heading, format));
      const created = this.#options.created === true ? createdLineName(family) : undefined;
      const place = created === undefined || series.length === 0 ? 'nowhere' : heading.created;
      this.#createdPlace.set(family, place);
      if (heading.exemplars) this.#exemplarFamilies.add(family);
      const strict = this.#options.strict === true && format === 'openmetrics';
      const names = lineNames(family, strict).map((line) =>
        line.name === family.name ? { ...line, name: heading.sampleName } : line,
      );
      const extra = names.map(({ label }) => (label === undefined ? '' : labelText({ [label.name]: label.value })));
      for (const number of series) {
        const text = this.#index.textOf[number];
        names.forEach(({ name }, line) => table.addLine(samplePrefix(name, joinLabelTexts(extra[line], text))));
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
    const names = lineNames(family);
    const values = new Float64Array(names.length);
    const created = options.created === true ? createdLineName(family) : undefined;
    const samples = series.flatMap((number) => {
      writeValues(index, family, number, values, 0);
      const labels = parseLabelText(index.textOf[number]);
      const lines = names.map((line, at): Sample => ({
        name: line.name,
        labels: labelsOf(line, labels),
        value: values[at],
      }));
      writeExemplars(index, family, number, 0, (line, exemplar) => {
        lines[line].exemplar = exemplar;
      });
      if (created !== undefined) lines.push({ name: created, labels, value: index.createdAt[number] });
      return lines;
    });
    const { name, help, type, unit } = family;
    const { aggregator } = family.mode;
    return {
      ...{ name, help, type },
      ...(unit !== undefined && { unit }),
      ...(isGauge(family) && aggregator !== 'sum' && { aggregator }),
      samples,
    };
  });
}

function labelsOf({ label }: LineName, labels: Labels): Labels {
  return label === undefined ? labels : Object.assign(Object.create(null), { [label.name]: label.value }, labels);
}

function shownBlocks(index: MergeIndex): FamilyBlock[] {
  return index.families().map((family) => ({ family, series: index.shownSeries(family) }));
}
