import { type AttachmentRole, attachmentShape, encodeAttachment } from '../metrics-file/attachment.js';
import { encodeSeries } from '../metrics-file/record.js';
import type { SlotShape } from '../metrics-file/slot-shape.js';
import type { StoredFamily } from './stored-family.js';
import { Cells } from './value-blocks.js';

export type SeriesFamily = StoredFamily<Series>;

/** Slots that have a record in the log, while they are in a file. */
export abstract class RecordedCells extends Cells {
  /**
   * Number of the log that names the slots; 0: none does. V8 keeps it in the field, like a boolean. It is a field of the
   * subclasses, after theirs: before them, an `observe()` of a native histogram took 0.3 ns more (measured).
   */
  abstract publishedIn: number;

  abstract get shape(): SlotShape;
  abstract logRecord(): Uint8Array;
}

/** A series of a family. The children that instruments return extend it, so that a write needs one field access. */
export class Series extends RecordedCells {
  /**
   * Milliseconds from the declaration of the family to the creation of the series; -1 before. V8 keeps a small integer in
   * the field itself, and a time in seconds in a separate box of 16 bytes.
   */
  #madeAfterMs = -1;
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

  get shape(): SlotShape {
    return this.family;
  }

  /** Seconds since the epoch when the series was created; 0 before. */
  get createdAt(): number {
    return this.#madeAfterMs < 0 ? 0 : this.family.declaredAt + this.#madeAfterMs / 1000;
  }

  set createdAt(seconds: number) {
    this.#madeAfterMs = seconds === 0 ? -1 : Math.max(0, Math.round((seconds - this.family.declaredAt) * 1000));
  }

  logRecord(): Uint8Array {
    return encodeSeries({
      family: this.family.id,
      block: this.block!.number,
      slot: this.index,
      createdAt: this.createdAt,
      endedAt: this.family.idle?.get(this) ?? 0,
      labelValues: this.labelValues,
    });
  }
}

/** Slots that a series has in addition to its own, such as a chunk of a sketch or an exemplar. */
export class Attachment extends RecordedCells {
  publishedIn = 0;

  constructor(
    readonly owner: Series,
    /** The use of the slots, with the facts that a reader needs. */
    readonly role: AttachmentRole,
  ) {
    super();
  }

  get shape(): SlotShape {
    return attachmentShape(this.role);
  }

  logRecord(): Uint8Array {
    const owner = { block: this.owner.block!.number, slot: this.owner.index };
    return encodeAttachment({ block: this.block!.number, slot: this.index, owner, role: this.role });
  }
}

type AttachmentOf<K> = Attachment & { readonly role: Extract<AttachmentRole, { kind: K }> };

export function attachmentsOf<K extends AttachmentRole['kind']>(
  { attachments = [] }: Series,
  kind: K,
): AttachmentOf<K>[] {
  return attachments.filter((each): each is AttachmentOf<K> => each.role.kind === kind);
}
