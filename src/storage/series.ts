import type { StoredFamily } from './stored-family.js';
import { Cells } from './value-blocks.js';

/** The family of series, as series and their store see it. */
export type SeriesFamily = StoredFamily<Series>;

/** A series of a family. The children that instruments hand out extend it, so that a write is one field access away. */
export class Series extends Cells {
  /**
   * Milliseconds from the declaration of the family to the making of the series; -1 before. V8 keeps a small integer in the
   * field itself, and a time in seconds in a box of 16 bytes beside it.
   */
  #madeAfterMs = -1;
  /** The number of the log that names the series; 0: none does. V8 keeps it in the field, as it does a boolean. */
  publishedIn = 0;
  /** Further slots that belong to the series: chunks of a sketch, exemplar cells. */
  attachments: Attachment[] | undefined = undefined;

  /** @param family where it is, or was last, or will be: a metric that moves to another store takes its series along */
  constructor(
    public family: SeriesFamily,
    readonly labelValues: readonly (string | undefined)[],
  ) {
    super();
  }

  /** Seconds since the epoch when the series was made; 0 before. */
  get createdAt(): number {
    return this.#madeAfterMs < 0 ? 0 : this.family.declaredAt + this.#madeAfterMs / 1000;
  }

  set createdAt(seconds: number) {
    this.#madeAfterMs = seconds === 0 ? -1 : Math.max(0, Math.round((seconds - this.family.declaredAt) * 1000));
  }
}

/** Slots that one series owns beside its own. */
export class Attachment extends Cells {
  publishedIn = 0;

  constructor(
    readonly owner: Series,
    /** What the slots are, with what a reader needs to know of them. */
    readonly role: AttachmentRole,
  ) {
    super();
  }
}

export type AttachmentRole =
  | { readonly kind: 'sketch'; readonly sign: -1 | 0 | 1; readonly chunk: number; readonly windows: number }
  /** `slotOffset` is that of the slot the exemplar stands beside, from the series' first. */
  | { readonly kind: 'exemplar'; readonly slotOffset: number };
