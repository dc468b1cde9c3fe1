/** The attachments of the series of one archived family: chunks of sketches and of native histograms, and exemplars. */
import {
  type AttachmentRole,
  attachmentShape,
  nativeRole,
  type NativeRole,
  type SketchRole,
} from '../metrics-file/attachment.js';
import { type ExemplarReading, writeExemplarCell } from '../metrics-file/exemplar-cell.js';
import { SKETCH } from '../metrics-file/layout.js';
import type { SlotShape } from '../metrics-file/slot-shape.js';
import { comparableTime } from '../model/comparable-time.js';
import { MAX_COUNT } from '../model/capped-sum.js';
import { coarsePlace, COARSE_SCHEMA, MAX_FINE_CHUNKS, nativeSlots } from '../model/native-bins.js';
import { isWindowAlive, windowEpoch } from '../model/sketch.js';

/** An attachment, with its values in the form of the file. */
type Archived =
  | { readonly role: Exclude<AttachmentRole, { kind: 'exemplar' }>; readonly values: Float64Array }
  | { readonly role: Extract<AttachmentRole, { kind: 'exemplar' }>; exemplar: ExemplarReading };

export class ArchivedAttachments {
  /** By row, then by role. */
  readonly #rows = new Map<number, Map<string, Archived>>();

  /** Adds a chunk of bins. All values are finite. */
  addChunk(row: number, role: SketchRole | NativeRole, values: Float64Array, now: number): void {
    if (role.kind === 'sketch') this.#addSketch(row, role, values, now);
    else this.#addNative(row, role, values);
  }

  /** The newest exemplar is kept. */
  addExemplar(row: number, slotOffset: number, exemplar: ExemplarReading, now: number): void {
    const role = { kind: 'exemplar', slotOffset } as const;
    const known = this.#find(row, role);
    const timeOf = ({ timestamp }: ExemplarReading): number => comparableTime(timestamp, now);
    if (known === undefined) this.#set(row, { role, exemplar });
    else if ('exemplar' in known && timeOf(known.exemplar) <= timeOf(exemplar)) known.exemplar = exemplar;
  }

  /** Adds the attachments of a row of another family. */
  include(row: number, other: ArchivedAttachments, otherRow: number, now: number): void {
    for (const attachment of other.#rows.get(otherRow)?.values() ?? []) {
      if ('exemplar' in attachment) this.addExemplar(row, attachment.role.slotOffset, attachment.exemplar, now);
      else this.addChunk(row, attachment.role, attachment.values, now);
    }
  }

  /** Moves the attachments of a row to a lower row, whose own are dropped. */
  move(from: number, to: number): void {
    if (from === to) return;
    const attachments = this.#rows.get(from);
    this.#rows.delete(from);
    if (attachments === undefined) this.#rows.delete(to);
    else this.#rows.set(to, attachments);
  }

  /** Drops the attachments of a row. */
  drop(row: number): void {
    this.#rows.delete(row);
  }

  /** The shapes of all attachments. */
  *shapes(): IterableIterator<SlotShape> {
    for (const attachments of this.#rows.values()) {
      for (const { role } of attachments.values()) yield attachmentShape(role);
    }
  }

  /** The attachments of a row; `write` returns false where the attachment is not to be in the file. */
  *of(row: number): IterableIterator<{ role: AttachmentRole; write: (view: Float64Array, slot: number) => boolean }> {
    for (const attachment of this.#rows.get(row)?.values() ?? []) {
      yield {
        role: attachment.role,
        write: (view, slot) => {
          if ('exemplar' in attachment) return writeExemplarCell(view, slot, attachment.exemplar);
          view.set(attachment.values, slot);
          return true;
        },
      };
    }
  }

  /** Adds a chunk window by window, except windows that have expired. */
  #addSketch(row: number, role: SketchRole, from: Float64Array, now: number): void {
    const { windows, windowSeconds } = role;
    const current = windowEpoch(now, windowSeconds);
    for (let at = 0; at < from.length; at += SKETCH.windowSlots) {
      const epoch = from[at];
      if (!Number.isInteger(epoch) || !isWindowAlive(epoch, current, windows)) continue;
      const bins = this.#valuesOf(row, role, windows * SKETCH.windowSlots);
      const to = (epoch % windows) * SKETCH.windowSlots;
      // the same place with another epoch is a full turn of the windows away: the older one has expired
      if (bins[to] > epoch) continue;
      if (bins[to] < epoch) bins.fill(0, to, to + SKETCH.windowSlots);
      bins[to] = epoch;
      for (let bin = 1; bin < SKETCH.windowSlots; bin++) bins[to + bin] += from[at + bin];
    }
  }

  /** Beyond MAX_FINE_CHUNKS a row gets coarse chunks, as a series of a process does. */
  #addNative(row: number, role: NativeRole, from: Float64Array): void {
    const { sign, schema } = role;
    if (sign === 0 || schema <= COARSE_SCHEMA || this.#find(row, role) !== undefined || !this.#isFull(row)) {
      const bins = this.#valuesOf(row, role, nativeSlots(role));
      for (let bin = 0; bin < bins.length; bin++) bins[bin] = Math.min(MAX_COUNT, bins[bin] + from[bin]);
      return;
    }
    for (let bin = 0; bin < from.length; bin++) {
      if (from[bin] === 0) continue;
      const { chunk, slot } = coarsePlace(role, bin);
      const coarse = nativeRole(sign, chunk, COARSE_SCHEMA);
      const bins = this.#valuesOf(row, coarse, nativeSlots(coarse));
      bins[slot] = Math.min(MAX_COUNT, bins[slot] + from[bin]);
    }
  }

  #isFull(row: number): boolean {
    let fine = 0;
    for (const { role } of this.#rows.get(row)?.values() ?? []) {
      if (role.kind === 'native' && role.sign !== 0 && role.schema > COARSE_SCHEMA) fine++;
    }
    return fine >= MAX_FINE_CHUNKS;
  }

  #valuesOf(row: number, role: SketchRole | NativeRole, slots: number): Float64Array {
    const known = this.#find(row, role);
    if (known !== undefined && 'values' in known) return known.values;
    const values = new Float64Array(slots);
    this.#set(row, { role, values });
    return values;
  }

  #find(row: number, role: AttachmentRole): Archived | undefined {
    return this.#rows.get(row)?.get(roleKey(role));
  }

  #set(row: number, attachment: Archived): void {
    let attachments = this.#rows.get(row);
    if (attachments === undefined) this.#rows.set(row, (attachments = new Map()));
    attachments.set(roleKey(attachment.role), attachment);
  }
}

function roleKey(role: AttachmentRole): string {
  return Object.values(role).join(' ');
}
