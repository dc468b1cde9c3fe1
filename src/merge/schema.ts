import { escapeLabelValue } from '../exposition/escape.js';
import { quotedLabelName } from '../exposition/labels.js';
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
  readonly #order: { readonly prefix: string; readonly from: number; readonly added: string }[] = [];

  constructor(
    readonly number: number,
    readonly family: MergedFamily,
    readonly labelNames: readonly string[],
    readonly added: ReadonlyMap<string, string>,
    dropped?: string,
  ) {
    const here = new Set([...labelNames, ...added.keys()]);
    if (dropped !== undefined) here.delete(dropped);
    // all schemas of a family use one order, whatever the order of its declarations: series are compared by their text
    const first = new Set(family.isOpen ? [] : family.labelNames.filter((name) => here.has(name)));
    const rest = [...here].filter((name) => !first.has(name)).toSorted();
    const places = new Map(labelNames.map((name, at) => [name, at]));
    for (const name of [...first, ...rest]) {
      const text = added.get(name);
      const value = text === undefined ? '' : escapeLabelValue(text);
      this.#order.push({ prefix: `${quotedLabelName(name)}="`, from: places.get(name) ?? -1, added: value });
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
}
