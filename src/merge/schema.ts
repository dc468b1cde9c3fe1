import { escapeLabelValue } from '../exposition/escape.js';
import { quotedLabelName } from '../exposition/labels.js';
import type { MergedFamily } from './merged-family.js';

/**
 * How a file's keys become label text: which label each value of a key is for, and what is added to all of them (default
 * labels, the `pid` of a gauge shown per process), or not to be shown (that `pid`, where the gauge is not shown so any
 * more). Keys of one schema with the same bytes are the same series.
 */
export class Schema {
  /** Characters that every series gets beside what is in its key. */
  addedLength = 0;
  /** In the order of printing: the place in the key, -1 where there is none, and what stands where the key has nothing. */
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
    // one order for all schemas of the family, whatever order each was declared in: text is what tells series apart
    const first = new Set(family.labelNames.filter((name) => here.has(name)));
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
