/** Values that belong to the series of one file but have their own slots: chunks of bins, and exemplars. */
import {
  type AttachmentBody,
  attachmentShape,
  type ExemplarRole,
  type SketchRole,
} from '../metrics-file/attachment.js';
import { readExemplarCell } from '../metrics-file/exemplar-cell.js';
import type { FileReader, ReaderBlock } from '../metrics-file/reader.js';
import { type Address, placeOf } from '../metrics-file/record-bodies.js';
import { SlotClaims } from '../metrics-file/slot-claims.js';
import { type MergeIndex, NOWHERE } from './merge-index.js';
import { NativeMap } from './native-map.js';
import { addSketch } from './sketch-addition.js';
import type { SlotMap } from './slot-map.js';

interface Placed<Role> extends AttachmentBody {
  readonly role: Extract<AttachmentBody['role'], Role>;
  readonly series: number;
}

export class Attachments {
  readonly #index: MergeIndex;
  readonly #reader: FileReader;
  readonly #slots = new Map<number, number>();
  readonly #chunks = new Map<number, Placed<SketchRole>>();
  readonly #exemplars = new Map<number, Placed<ExemplarRole>>();
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
    const place = placeOf(attachment);
    this.#slots.set(place, slots);
    if (role.kind === 'sketch') this.#chunks.set(place, { ...attachment, role, series });
    else this.#exemplars.set(place, { ...attachment, role, series });
    return true;
  }

  /** Removes the attachment at an address, if there is one. */
  remove(at: Address): void {
    const native = this.#native[at.block];
    if (native !== undefined) return native.release(at.slot, this.#index);
    const place = placeOf(at);
    const slots = this.#slots.get(place);
    if (slots === undefined) return;
    this.#claims.give(at.block, at.slot, slots);
    this.#slots.delete(place);
    this.#chunks.delete(place);
    this.#exemplars.delete(place);
  }

  clear(): void {
    // a stale index will forget all series anyway
    if (!this.#index.stale) for (const map of this.#native) map?.releaseAll(this.#index);
    this.#native.length = 0;
    this.#slots.clear();
    this.#chunks.clear();
    this.#exemplars.clear();
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
    for (const chunk of this.#chunks.values()) {
      const block = this.#reader.block(chunk.block);
      if (block === undefined || unusable.has(chunk.series)) continue;
      if (!addSketch(this.#index.sketchOf(chunk.series), block, chunk, nowSeconds)) unusable.add(chunk.series);
    }
    for (const cell of this.#exemplars.values()) this.#addExemplar(cell, maps, nowSeconds);
  }

  /** The numbers of observations in the bins of native histograms, one for each chunk of a series. */
  *nativeCounts(): Generator<readonly [series: number, count: number]> {
    for (const map of this.#native) if (map !== undefined) yield* map.counts();
  }

  #addExemplar(cell: Placed<ExemplarRole>, maps: readonly (SlotMap | undefined)[], nowSeconds: number): void {
    const block = this.#reader.block(cell.block);
    const map = maps[cell.owner.block];
    if (block === undefined || map === undefined) return;
    const processWide = map.processWideAt(cell.owner.slot);
    const target =
      processWide < 0 ? map.cellAt(cell.owner.slot + cell.role.slotOffset) : this.#index.cellOf[processWide];
    if (target === NOWHERE) return;
    const reading = readExemplarCell(block.values, cell.slot);
    if (reading !== undefined) this.#index.noteExemplar(target, reading, nowSeconds);
  }
}
