/** Values that belong to the series of one file but have their own slots: chunks of bins, and exemplars. */
import {
  type AttachmentBody,
  attachmentShape,
  type ExemplarRole,
  type SketchRole,
} from '../metrics-file/attachment.js';
import { readExemplarCell } from '../metrics-file/exemplar-cell.js';
import { SKETCH } from '../metrics-file/layout.js';
import type { FileReader, ReaderBlock } from '../metrics-file/reader.js';
import { type Address, placeOf } from '../metrics-file/record-bodies.js';
import { SlotClaims } from '../metrics-file/slot-claims.js';
import { isWindowAlive, type Sketch, windowEpoch } from '../model/sketch.js';
import { type MergeIndex, NOWHERE } from './merge-index.js';
import { NativeMap } from './native-map.js';
import type { SlotMap } from './slot-map.js';

/** An attachment that is no bins of a native histogram. */
interface Placed extends AttachmentBody {
  readonly role: SketchRole | ExemplarRole;
  readonly series: number;
}

export class Attachments {
  readonly #index: MergeIndex;
  readonly #reader: FileReader;
  readonly #placed = new Map<number, Placed>();
  /** By the numbers of the blocks. */
  readonly #native: (NativeMap | undefined)[] = [];
  readonly #claims = new SlotClaims();

  constructor(index: MergeIndex, reader: FileReader) {
    this.#index = index;
    this.#reader = reader;
  }

  /**
   * Adds an attachment of a merged series.
   *
   * @param isApart of a native histogram: the series' own slots do not count these values
   * @returns false where another record has one of the slots
   */
  add(block: ReaderBlock, attachment: AttachmentBody, series: number, isApart: boolean): boolean {
    this.remove(attachment);
    const { role, slot } = attachment;
    const { slots } = attachmentShape(role);
    if (role.kind === 'native') {
      const map = (this.#native[block.number] ??= new NativeMap(block));
      return map.place(slot, slots, series, role, isApart, this.#index);
    }
    if (!this.#claims.take(block, slot, slots)) return false;
    this.#placed.set(placeOf(attachment), { ...attachment, role, series });
    return true;
  }

  /** Removes the attachment at an address, if there is one. */
  remove(at: Address): void {
    const native = this.#native[at.block];
    if (native !== undefined) return native.release(at.slot, this.#index);
    const place = placeOf(at);
    const placed = this.#placed.get(place);
    if (placed === undefined) return;
    this.#claims.give(at.block, at.slot, attachmentShape(placed.role).slots);
    this.#placed.delete(place);
  }

  clear(): void {
    // a stale index will forget all series anyway
    if (!this.#index.stale) for (const map of this.#native) map?.releaseAll(this.#index);
    this.#native.length = 0;
    this.#placed.clear();
    this.#claims.clear();
  }

  /** Finds series whose own slots must not count either. @param unusable receives them */
  findUnusable(unusable: Set<number>): void {
    for (const map of this.#native) map?.findUnusable(unusable);
  }

  /**
   * @param maps of the file's series, by the numbers of their blocks
   * @param unusable series that are left out because of one of their values; this call adds to it
   */
  addValues(maps: readonly (SlotMap | undefined)[], nowSeconds: number, unusable: Set<number>): void {
    for (const map of this.#native) map?.addTo(this.#index, unusable);
    for (const { block: number, slot, role, owner, series } of this.#placed.values()) {
      const block = this.#reader.block(number);
      if (block === undefined) continue;
      if (role.kind === 'exemplar') {
        const cell = this.#cellOf(owner, role, maps);
        const reading = cell === NOWHERE ? undefined : readExemplarCell(block.values, slot);
        if (reading !== undefined) this.#index.noteExemplar(cell, reading, nowSeconds);
      } else if (!unusable.has(series) && !addSketch(this.#index.sketchOf(series), block, slot, role, nowSeconds)) {
        unusable.add(series);
      }
    }
  }

  /** The numbers of observations in the bins of native histograms, one for each chunk of a series. */
  *nativeCounts(): Generator<readonly [series: number, count: number]> {
    for (const map of this.#native) if (map !== undefined) yield* map.counts();
  }

  /** The cell of the slot that an exemplar belongs to. */
  #cellOf({ block, slot }: Address, { slotOffset }: ExemplarRole, maps: readonly (SlotMap | undefined)[]): number {
    const map = maps[block];
    const processWide = map?.processWideAt(slot) ?? -1;
    return processWide < 0 ? (map?.cellAt(slot + slotOffset) ?? NOWHERE) : this.#index.cellOf[processWide];
  }
}

/** Adds a chunk of a file's sketch from the last reading; false where one of its values is not a finite number. */
function addSketch(
  sketch: Sketch,
  { values, isSound }: ReaderBlock,
  slot: number,
  { sign, chunk, windows, windowSeconds }: SketchRole,
  nowSeconds: number,
): boolean {
  const end = slot + windows * SKETCH.windowSlots;
  if (end > values.length) return true;
  if (!isSound && !values.subarray(slot, end).every(Number.isFinite)) return false;
  const epoch = windowEpoch(nowSeconds, windowSeconds);
  const bins = sketch.chunk(sign, chunk);
  for (let from = slot; from < end; from += SKETCH.windowSlots) {
    // a window that has expired, or that its writer has just emptied
    if (!isWindowAlive(values[from], epoch, windows)) continue;
    for (let bin = 0; bin < SKETCH.bins; bin++) bins[bin] += values[from + 1 + bin];
  }
  return true;
}
