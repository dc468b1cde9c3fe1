import { withoutEmptyLabels } from '../exposition/labels.js';
import { decodeKey } from '../metrics-file/record.js';
import { keyBytes, KeyTable } from './key-table.js';
import { LabelTexts } from './label-texts.js';
import type { MergedFamily } from './merged-family.js';
import { Schema } from './schema.js';
import type { SeriesTable } from './series-table.js';

const REPLACEMENT = '\ufffd';

/** Finds the merged series of a key or of a label text, and creates it where it is missing. */
export class SeriesIdentities {
  readonly #table: SeriesTable;
  #schemas = new Map<string, Schema>();
  /** The same, by their numbers. */
  #schemaList: Schema[] = [];
  #keys = new KeyTable();
  texts = new LabelTexts(this.#keys, this.#schemaList);
  /** The bytes of the words that the last new key was in. */
  #keyBytes: Uint8Array = new Uint8Array(0);
  /** Number of times that a series got another text. */
  respelled = 0;

  constructor(table: SeriesTable) {
    this.#table = table;
  }

  clear(): void {
    this.#schemas = new Map();
    this.#schemaList = [];
    this.#keys = new KeyTable();
    this.texts = new LabelTexts(this.#keys, this.#schemaList);
  }

  /** @param dropped a label name that keys have and label texts do not have */
  schema(
    family: MergedFamily,
    labelNames: readonly string[],
    added: ReadonlyMap<string, string>,
    dropped?: string,
  ): Schema {
    const key = `${family.number} ${JSON.stringify([labelNames, dropped, ...added])}`;
    let schema = this.#schemas.get(key);
    if (schema === undefined) {
      schema = new Schema(this.#schemas.size, family, labelNames, added, dropped);
      this.#schemas.set(key, schema);
      this.#schemaList.push(schema);
      if (++family.schemas === 2 || dropped !== undefined) this.#indexTexts(family);
    }
    return schema;
  }

  ofKey(schema: Schema, words: Int32Array, from: number, to: number): number {
    const known = this.#keys.find(schema.number, words, from, to);
    if (known >= 0) return known;
    const next = this.#table.size;
    const series = this.#ofNewKey(schema, words, from);
    const entry = this.#keys.add(schema.number, words, from, to, series);
    if (series === next) this.texts.follow(series, entry);
    return series;
  }

  ofText(family: MergedFamily, text: string): number {
    this.#indexTexts(family);
    const next = this.#table.size;
    const series = this.#ofText(family, text);
    if (series === next) this.texts.set(series, text);
    return series;
  }

  #ofNewKey(schema: Schema, words: Int32Array, from: number): number {
    const { family, labelNames } = schema;
    if (this.#keyBytes.buffer !== words.buffer) this.#keyBytes = new Uint8Array(words.buffer);
    const start = words.byteOffset + (from + 1) * words.BYTES_PER_ELEMENT;
    // a plain key of the only schema is that of one series, and its text follows from it
    const isPlain = family.byText === undefined && this.texts.writeOf(schema, this.#keyBytes, start, words[from]) >= 0;
    if (isPlain) return this.#table.add(family);
    const values = decodeKey(keyBytes(words, from), labelNames.length);
    if (values.length < labelNames.length) this.#indexTexts(family);
    return this.#ofText(family, schema.text(values));
  }

  #indexTexts(family: MergedFamily): void {
    family.byText ??= new Map(family.series.map((series) => [withoutEmptyLabels(this.texts.of(series)), series]));
  }

  #ofText(family: MergedFamily, text: string): number {
    const identity = withoutEmptyLabels(text);
    // invalid UTF-8 is always decoded to this character: different keys can have the same text
    if (identity !== text || text.includes(REPLACEMENT)) this.#indexTexts(family);
    const known = family.byText?.get(identity);
    if (known !== undefined) {
      // the label order that came first
      const shown = this.texts.of(known);
      if (shown !== text && shown !== identity) {
        this.texts.set(known, identity);
        family.sorted = 0;
        this.respelled++;
      }
      return known;
    }
    const series = this.#table.add(family);
    family.byText?.set(identity, series);
    return series;
  }
}
