import { escapeLabelValue } from '../exposition/escape.js';
import { quotedLabelName } from '../exposition/labels.js';
import type { MergedFamily } from './merged-family.js';

/**
 * How a file's keys become label text: which label each value of a key is for, and what is added to all of them (default
 * labels, the `pid` of a gauge shown per process), or not to be shown (that `pid`, where the gauge is not shown so any
 * more). Keys of one schema with the same bytes are the same series.
 */
export class Schema {
  /** Places in the key, in the order of printing; -1 - n is the n-th added label. */
  readonly #order: { readonly prefix: string; readonly from: number; readonly added: string }[] = [];

  constructor(
    readonly number: number,
    readonly family: MergedFamily,
    readonly labelNames: readonly string[],
    readonly added: ReadonlyMap<string, string>,
    dropped?: string,
  ) {
    const here = [...new Set([...labelNames, ...added.keys()])].filter((name) => name !== dropped);
    // one order for all schemas of the family, whatever order each was declared in: text is what tells series apart
    const first = family.labelNames.filter((name) => here.includes(name));
    const rest = here.filter((name) => !first.includes(name)).toSorted();
    for (const name of [...first, ...rest]) {
      const from = labelNames.indexOf(name);
      const added_ = added.get(name);
      this.#order.push({
        prefix: `${quotedLabelName(name)}="`,
        from,
        added: added_ === undefined ? '' : escapeLabelValue(added_),
      });
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
