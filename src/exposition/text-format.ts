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

/** The parts of a line that all series have: the bytes before and after their labels, and its text where a series has none. */
interface LineParts {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
  readonly unlabelled: string;
}

function lineParts(name: string, label: string): LineParts {
  const prefix = samplePrefix(name, joinLabelTexts(label, LABELS));
  const at = prefix.lastIndexOf(LABELS);
  const [head, tail] = [prefix.slice(0, at), prefix.slice(at + LABELS.length)].map((part) => Buffer.from(part));
  return { head, tail, unlabelled: samplePrefix(name, label) };
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
  #created: { readonly place: CreatedPlace; readonly parts: LineParts; readonly header: string } | undefined;
  #firstValues: Float64Array = NO_VALUES;
  /** The labels of the series whose `_created` samples are written apart. */
  readonly #apart: Uint8Array[] = [];

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
    const header = created === 'apart' ? createdHeader(family, heading, this.#dialect) : '';
    this.#created = { place: created, parts: lineParts(heading.createdName, ''), header };
  }

  series(labels: string): void {
    const bytes = Buffer.from(labels);
    this.asciiSeries(bytes, bytes.length);
  }

  asciiSeries(labels: Uint8Array, length: number): void {
    for (const line of this.#lines) this.#addLine(line, labels, length);
    const { place, parts } = this.#created!;
    if (place === 'within') this.#addLine(parts, labels, length);
    else if (place === 'apart') this.#apart.push(new Uint8Array(labels.subarray(0, length)));
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
    const { parts, header } = this.#created!;
    this.#table.addText(this.#dialect.separator + header);
    for (const labels of this.#apart) this.#addLine(parts, labels, labels.length);
    this.#apart.length = 0;
  }

  #addLine({ head, tail, unlabelled }: LineParts, labels: Uint8Array, length: number): void {
    const table = this.#table;
    const value = this.#firstValues[table.lines] ?? 0;
    if (length === 0) table.addLine(unlabelled, value);
    else table.addLineOf(head, labels, length, tail, value);
  }

  #spelled(bound: string): string {
    return this.#isStrict ? canonicalNumber(bound) : bound;
  }
}
