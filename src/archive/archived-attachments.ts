/** The attachments of the series of one archived family: chunks of sketches and of native histograms, and exemplars. */
import {
  type AttachmentRole,
  attachmentShape,
  nativeRole,
  type NativeRole,
  type SketchRole,
} from '../metrics-file/attachment.js';
import { readExemplarCell } from '../metrics-file/exemplar-cell.js';
import { SKETCH } from '../metrics-file/layout.js';
import type { SlotShape } from '../metrics-file/slot-shape.js';
import { comparableTime } from '../model/comparable-time.js';
import { MAX_COUNT } from '../model/capped-sum.js';
import { coarsePlace, COARSE_SCHEMA, MAX_FINE_CHUNKS, nativeSlots } from '../model/native-bins.js';
import { isWindowAlive, windowEpoch } from '../model/sketch.js';

interface Archived {
  readonly role: AttachmentRole;
  /** In the form of the file. */
  readonly values: Float64Array;
}

export class ArchivedAttachments {
  /** By row, then by role. */
  #rows = new Map<number, Map<string, Archived>>();

  /** Adds an attachment of a file, unless it is torn or has a value that is not finite. Of exemplars the newest is kept. */
  add(row: number, role: AttachmentRole, values: Float64Array, now: number): void {
    if (role.kind === 'exemplar') return this.#addExemplar(row, role, values, now);
    if (!values.every(Number.isFinite)) return;
    if (role.kind === 'sketch') this.#addSketch(row, role, values, now);
    else this.#addNative(row, role, values);
  }

  include(row: number, other: ArchivedAttachments, otherRow: number, now: number): void {
    for (const { role, values } of other.of(otherRow)) this.add(row, role, values, now);
  }

  /** Keeps the attachments of some rows, which are numbered by their places in this list from now on. */
  retain(rows: readonly number[]): void {
    const before = this.#rows;
    this.#rows = new Map();
    rows.forEach((row, to) => {
      const attachments = before.get(row);
      if (attachments !== undefined) this.#rows.set(to, attachments);
    });
  }

  *shapes(): IterableIterator<SlotShape> {
    for (const attachments of this.#rows.values()) {
      for (const { role } of attachments.values()) yield attachmentShape(role);
    }
  }

  of(row: number): Iterable<Archived> {
    return this.#rows.get(row)?.values() ?? [];
  }

  #addExemplar(row: number, role: AttachmentRole, cell: Float64Array, now: number): void {
    const timeOf = (values: Float64Array): number | undefined => {
      const exemplar = readExemplarCell(values, 0);
      return exemplar && comparableTime(exemplar.timestamp, now);
    };
    const [time, known] = [timeOf(cell), this.#find(row, role)];
    if (time === undefined || (known !== undefined && timeOf(known)! > time)) return;
    this.#set(row, role, cell.slice());
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

  #valuesOf(row: number, role: AttachmentRole, slots: number): Float64Array {
    return this.#find(row, role) ?? this.#set(row, role, new Float64Array(slots));
  }

  #find(row: number, role: AttachmentRole): Float64Array | undefined {
    return this.#rows.get(row)?.get(roleKey(role))?.values;
  }

  #set(row: number, role: AttachmentRole, values: Float64Array): Float64Array {
    let attachments = this.#rows.get(row);
    if (attachments === undefined) this.#rows.set(row, (attachments = new Map()));
    attachments.set(roleKey(role), { role, values });
    return values;
  }
}

function roleKey(role: AttachmentRole): string {
  return Object.values(role).join(' ');
}
