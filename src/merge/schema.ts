import { escapeLabelValue } from '../exposition/escape.js';
import { quotedLabelName } from '../exposition/labels.js';
import { findKeyValues } from '../metrics-file/canonical-key.js';
import { isLabelName } from '../model/naming.js';
import type { MergedFamily } from './merged-family.js';

/**
 * Converts a file's keys to label text: the label of each value in a key, the labels that are added to all keys (default
 * labels, the `pid` of a gauge that is shown per process), and the label that is dropped (that `pid`, where the gauge is no
 * longer shown so). Keys of one schema with equal bytes are the same series.
 */
export class Schema {
  /** Number of characters that are added to every series and are not in its key. */
  addedLength = 0;
  /** In the order of printing: the place in the key, or -1, and the value where the key has none. */
  readonly #order: {
    readonly prefix: string;
    readonly from: number;
    readonly added: string;
    /** The first two as bytes. */
    readonly prefixBytes: Uint8Array;
    readonly addedBytes: Uint8Array;
  }[] = [];
  /** Bytes of a text without the values of its key. */
  #fixedBytes = 0;
  /** The text is that of a key without changes, if the key is plain. */
  #isPlain = true;
  /** Per label name, where its value starts and ends in the key that is being written. */
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;

  constructor(
    readonly number: number,
    readonly family: MergedFamily,
    readonly labelNames: readonly string[],
    readonly added: ReadonlyMap<string, string>,
    dropped?: string,
  ) {
    this.#starts = new Int32Array(labelNames.length);
    this.#ends = new Int32Array(labelNames.length);
    const here = new Set([...labelNames, ...added.keys()]);
    if (dropped !== undefined) here.delete(dropped);
    // all schemas of a family use one order, whatever the order of its declarations: series are compared by their text
    const first = new Set(family.firstLabels.filter((name) => here.has(name)));
    const rest = [...here].filter((name) => !first.has(name)).toSorted();
    const places = new Map(labelNames.map((name, at) => [name, at]));
    for (const name of [...first, ...rest]) {
      const text = added.get(name);
      const value = text === undefined ? '' : escapeLabelValue(text);
      const prefix = `${quotedLabelName(name)}="`;
      const [prefixBytes, addedBytes] = [Buffer.from(prefix), Buffer.from(value)];
      this.#order.push({ prefix, from: places.get(name) ?? -1, added: value, prefixBytes, addedBytes });
      this.#fixedBytes += prefixBytes.length + addedBytes.length + 2;
      if (!isLabelName(name) || addedBytes.some((byte) => byte >= 0x80)) this.#isPlain = false;
      if (text !== undefined) this.addedLength += name.length + value.length;
    }
  }

  /** The labels as an exposition prints them, without braces: `method="GET",code="200"`. */
  text(values: readonly (string | undefined)[]): string {
    let text = '';
    for (const { prefix, from, added } of this.#order) {
      const value = from < 0 ? undefined : values[from];
      if (value === undefined && added === '') continue;
      if (text !== '') text += ',';
      text += prefix + (value === undefined ? added : escapeLabelValue(value)) + '"';
    }
    return text;
  }

  /** Maximum bytes of the text of a key. */
  textRoom(keyLength: number): number {
    return this.#fixedBytes + 2 * keyLength;
  }

  /**
   * Writes the text of `keys[start, end)` to the beginning of `into`, and returns its length. Returns -1 where the text has to be made
   * as a string: values that are empty, missing or not in ASCII follow further rules, and so do names in quotes.
   */
  writeText(keys: Uint8Array, start: number, end: number, into: Uint8Array): number {
    if (!this.#isPlain || !findKeyValues(keys, start, end, this.#starts, this.#ends)) return -1;
    let at = 0;
    for (const { prefixBytes, from, addedBytes } of this.#order) {
      const valueEnd = from < 0 ? 0 : this.#ends[from];
      if (valueEnd === 0 && addedBytes.length === 0) continue;
      if (at > 0) into[at++] = COMMA;
      for (let next = 0; next < prefixBytes.length; next++) into[at++] = prefixBytes[next];
      if (valueEnd === 0) {
        for (let next = 0; next < addedBytes.length; next++) into[at++] = addedBytes[next];
      } else {
        for (let next = this.#starts[from]; next < valueEnd; next++) {
          const byte = keys[next];
          if (byte >= 0x80) return -1;
          if (byte === QUOTE || byte === BACKSLASH || byte === NEWLINE) into[at++] = BACKSLASH;
          into[at++] = byte === NEWLINE ? LETTER_N : byte;
        }
      }
      into[at++] = QUOTE;
    }
    return at;
  }
}

const [QUOTE, BACKSLASH, NEWLINE, LETTER_N, COMMA] = Buffer.from('"\\\nn,');
