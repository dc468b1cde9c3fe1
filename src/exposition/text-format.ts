/** Makes a format of a text dialect. */
import type { Exemplar } from '../model/metric-family.js';
import { exemplarSuffix, joinLabelTexts, labelText, samplePrefix } from './labels.js';
import type { CreatedPlace, ExpositionWriter, FamilyHead, Format, Heading, Offer, OutputRules } from './format.js';
import { createdHeader, familyHeader, headingsOf } from './heading.js';
import { LineTable } from './line-table.js';
import { canonicalNumber } from './number.js';
import { renderText } from './render.js';
import type { TextDialect } from './text-dialect.js';

export function textFormat(dialect: TextDialect, offers: readonly Offer[]): Format {
  return {
    name: dialect.name,
    offers,
    headings: (families, options) => headingsOf(families, dialect, options),
    render: (families, options) => Buffer.from(renderText(families, dialect, options)),
    newWriter: (options) => new TextWriter(dialect, options),
  };
}

class TextWriter implements ExpositionWriter {
  readonly #dialect: TextDialect;
  readonly #isStrict: boolean;
  readonly #table = new LineTable();
  #families = 0;
  /** The lines of the family that is being written. */
  #lines: readonly { readonly name: string; readonly label: string }[] = [];
  #created: { readonly place: CreatedPlace; readonly name: string; readonly header: string } | undefined;
  /** The labels of the series whose `_created` samples are written apart. */
  readonly #apart: string[] = [];

  constructor(dialect: TextDialect, { strict }: OutputRules) {
    this.#dialect = dialect;
    this.#isStrict = strict === true && dialect.hasStrict;
  }

  get valueCount(): number {
    return this.#table.lines;
  }

  family(family: FamilyHead, heading: Heading, created: CreatedPlace): void {
    this.#endFamily();
    if (this.#families++ > 0) this.#table.addText(this.#dialect.separator);
    this.#table.addText(familyHeader(family, heading, this.#dialect));
    this.#lines = family.lines.map(({ name, label }) => ({
      name: name === family.name ? heading.sampleName : name,
      label: label === undefined ? '' : labelText({ [label.name]: this.#spelled(label.value) }),
    }));
    const header = created === 'apart' ? createdHeader(family, heading, this.#dialect) : '';
    this.#created = { place: created, name: heading.createdName, header };
  }

  series(labels: string): void {
    for (const { name, label } of this.#lines) this.#table.addLine(samplePrefix(name, joinLabelTexts(label, labels)));
    const { place, name } = this.#created!;
    if (place === 'within') this.#table.addLine(samplePrefix(name, labels));
    else if (place === 'apart') this.#apart.push(labels);
  }

  end(): void {
    this.#endFamily();
    if (this.#families === 0) this.#table.addText(this.#dialect.separator);
    this.#table.addText(this.#dialect.end);
  }

  render(values: Float64Array, exemplars: readonly (Exemplar | undefined)[]): Uint8Array {
    const tails: string[] = [];
    // forEach skips the holes of the array
    exemplars.forEach((exemplar, line) => {
      if (exemplar !== undefined) tails[line] = exemplarSuffix(exemplar);
    });
    return this.#table.render(values, tails);
  }

  #endFamily(): void {
    if (this.#apart.length === 0) return;
    const { name, header } = this.#created!;
    this.#table.addText(this.#dialect.separator + header);
    for (const labels of this.#apart) this.#table.addLine(samplePrefix(name, labels));
    this.#apart.length = 0;
  }

  #spelled(bound: string): string {
    return this.#isStrict ? canonicalNumber(bound) : bound;
  }
}
