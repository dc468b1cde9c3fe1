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

const NO_VALUES = new Float64Array(0);

/** The parts of the lines of all series that have labels. */
interface LineParts {
  readonly name: string;
  readonly label: string;
  /** The bytes before and after the labels of the series. */
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

function lineParts(name: string, label: string): LineParts {
  const prefix = samplePrefix(name, joinLabelTexts(label, LABELS));
  const at = prefix.lastIndexOf(LABELS);
  const [head, tail] = [prefix.slice(0, at), prefix.slice(at + LABELS.length)].map((part) => Buffer.from(part));
  return { name, label, head, tail };
}

/** Stands for the labels of a series. */
const LABELS = '\0';

class TextWriter implements ExpositionWriter {
  readonly #dialect: TextDialect;
  readonly #isStrict: boolean;
  readonly #table = new LineTable();
  #families = 0;
  /** The lines of the family that is being written. */
  #lines: readonly LineParts[] = [];
  #createdParts = lineParts('', '');
  #created: { readonly place: CreatedPlace; readonly name: string; readonly header: string } | undefined;
  #firstValues: Float64Array = NO_VALUES;
  /** The labels of the series whose `_created` samples are written apart. */
  readonly #apart: string[] = [];

  constructor(dialect: TextDialect, { strict }: OutputRules) {
    this.#dialect = dialect;
    this.#isStrict = strict === true && dialect.hasStrict;
  }

  begin(values: Float64Array, spare: SharedArrayBuffer | undefined): void {
    this.#firstValues = values;
    this.#table.begin(values.length, spare);
  }

  family(family: FamilyHead, heading: Heading, created: CreatedPlace): void {
    this.#endFamily();
    if (this.#families++ > 0) this.#table.addText(this.#dialect.separator);
    this.#table.addText(familyHeader(family, heading, this.#dialect));
    this.#lines = family.lines.map(({ name, label }) =>
      lineParts(
        name === family.name ? heading.sampleName : name,
        label === undefined ? '' : labelText({ [label.name]: this.#spelled(label.value) }),
      ),
    );
    this.#createdParts = lineParts(heading.createdName, '');
    const header = created === 'apart' ? createdHeader(family, heading, this.#dialect) : '';
    this.#created = { place: created, name: heading.createdName, header };
  }

  series(labels: string): void {
    for (const { name, label } of this.#lines) this.#addLine(samplePrefix(name, joinLabelTexts(label, labels)));
    const { place, name } = this.#created!;
    if (place === 'within') this.#addLine(samplePrefix(name, labels));
    else if (place === 'apart') this.#apart.push(labels);
  }

  asciiSeries(labels: Uint8Array, length: number): void {
    const { place } = this.#created!;
    if (length === 0 || place === 'apart') return this.series(Buffer.from(labels.subarray(0, length)).toString());
    const table = this.#table;
    for (const { head, tail } of this.#lines) {
      table.addLineOf(head, labels, length, tail, this.#firstValues[table.lines] ?? 0);
    }
    if (place !== 'within') return;
    const { head, tail } = this.#createdParts;
    table.addLineOf(head, labels, length, tail, this.#firstValues[table.lines] ?? 0);
  }

  end(): void {
    this.#endFamily();
    if (this.#families === 0) this.#table.addText(this.#dialect.separator);
    this.#table.addText(this.#dialect.end);
    this.#firstValues = NO_VALUES;
  }

  leaveMemory(spare?: SharedArrayBuffer): void {
    this.#table.leaveMemory(spare);
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
    for (const labels of this.#apart) this.#addLine(samplePrefix(name, labels));
    this.#apart.length = 0;
  }

  #addLine(prefix: string): void {
    this.#table.addLine(prefix, this.#firstValues[this.#table.lines] ?? 0);
  }

  #spelled(bound: string): string {
    return this.#isStrict ? canonicalNumber(bound) : bound;
  }
}
