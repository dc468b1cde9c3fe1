import type { AttachmentRole } from '../metrics-file/attachment.js';
import type { StoredFamily } from './stored-family.js';
import { Cells } from './value-blocks.js';

/** The family type that series and their store use. */
export type SeriesFamily = StoredFamily<Series>;

/** A series of a family. The children that instruments return extend it, so that a write needs one field access. */
export class Series extends Cells {
  /**
   * Milliseconds from the declaration of the family to the creation of the series; -1 before. V8 keeps a small integer in
   * the field itself, and a time in seconds in a separate box of 16 bytes.
   */
  #madeAfterMs = -1;
  /** Number of the log that names the series; 0: none does. V8 keeps it in the field, like a boolean. */
  publishedIn = 0;
  /** Further slots that belong to the series: chunks of a sketch, exemplar cells. */
  attachments: Attachment[] | undefined = undefined;

  /** @param family its present, last or future family: a metric that moves to another store takes its series along */
  constructor(
    public family: SeriesFamily,
    readonly labelValues: readonly (string | undefined)[],
  ) {
    super();
  }

  /** Seconds since the epoch when the series was created; 0 before. */
  get createdAt(): number {
    return this.#madeAfterMs < 0 ? 0 : this.family.declaredAt + this.#madeAfterMs / 1000;
  }

  set createdAt(seconds: number) {
    this.#madeAfterMs = seconds === 0 ? -1 : Math.max(0, Math.round((seconds - this.family.declaredAt) * 1000));
  }
}

/** Slots that a series has in addition to its own. */
export class Attachment extends Cells {
  publishedIn = 0;

  constructor(
    readonly owner: Series,
    /** The use of the slots, with the facts that a reader needs. */
    readonly role: AttachmentRole,
  ) {
    super();
  }
}
