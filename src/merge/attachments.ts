/** Values that belong to the series of one file but have their own slots: chunks of summaries' sketches, and exemplars. */
import { readExemplarCell } from '../metrics-file/exemplar-cell.js';
import type { FileReader, ReaderBlock } from '../metrics-file/reader.js';
import { type Address, type ExemplarCellBody, placeOf, type SketchChunkBody } from '../metrics-file/record-bodies.js';
import { SlotClaims } from '../metrics-file/slot-claims.js';
import { EXEMPLAR_SHAPE, sketchChunkShape } from '../metrics-file/slot-shape.js';
import { type MergeIndex, NOWHERE } from './merge-index.js';
import { addSketch } from './sketch-addition.js';
import type { SlotMap } from './slot-map.js';

interface Chunk extends SketchChunkBody {
  readonly series: number;
}

export class Attachments {
  readonly #index: MergeIndex;
  readonly #reader: FileReader;
  readonly #chunks = new Map<number, Chunk>();
  readonly #exemplars = new Map<number, ExemplarCellBody>();
  readonly #claims = new SlotClaims();

  constructor(index: MergeIndex, reader: FileReader) {
    this.#index = index;
    this.#reader = reader;
  }

  /** Returns false where another record has slots of the chunk. */
  addChunk(block: ReaderBlock, chunk: Chunk): boolean {
    this.remove(chunk);
    if (!this.#claims.take(block, chunk.slot, sketchChunkShape(chunk.windows).slots)) return false;
    this.#chunks.set(placeOf(chunk), chunk);
    return true;
  }

  /** Returns false where another record has slots of the cell. */
  addExemplar(block: ReaderBlock, cell: ExemplarCellBody): boolean {
    this.remove(cell);
    if (!this.#claims.take(block, cell.slot, EXEMPLAR_SHAPE.slots)) return false;
    this.#exemplars.set(placeOf(cell), cell);
    return true;
  }

  /** Removes the attachment at an address, if there is one. */
  remove(at: Address): void {
    const place = placeOf(at);
    const chunk = this.#chunks.get(place);
    if (chunk !== undefined) this.#claims.give(at.block, at.slot, sketchChunkShape(chunk.windows).slots);
    else if (this.#exemplars.has(place)) this.#claims.give(at.block, at.slot, EXEMPLAR_SHAPE.slots);
    this.#chunks.delete(place);
    this.#exemplars.delete(place);
  }

  clear(): void {
    this.#chunks.clear();
    this.#exemplars.clear();
    this.#claims.clear();
  }

  /**
   * @param maps of the file's series, by the numbers of their blocks
   * @param unusable series that are left out because one of their values is not a finite number; this call adds to it
   */
  addValues(maps: readonly (SlotMap | undefined)[], nowSeconds: number, unusable: Set<number>): void {
    for (const chunk of this.#chunks.values()) {
      const block = this.#reader.block(chunk.block);
      if (block === undefined || unusable.has(chunk.series)) continue;
      if (!addSketch(this.#index.sketchOf(chunk.series), block, chunk, nowSeconds)) unusable.add(chunk.series);
    }
    for (const cell of this.#exemplars.values()) this.#addExemplar(cell, maps, nowSeconds);
  }

  #addExemplar(cell: ExemplarCellBody, maps: readonly (SlotMap | undefined)[], nowSeconds: number): void {
    const block = this.#reader.block(cell.block);
    const map = maps[cell.owner.block];
    if (block === undefined || map === undefined || cell.slot + EXEMPLAR_SHAPE.slots > block.values.length) return;
    const target = map.cellAt(cell.owner.slot + cell.slotOffset);
    if (target === NOWHERE) return;
    const reading = readExemplarCell(block.values, cell.slot);
    if (reading !== undefined) this.#index.noteExemplar(target, reading, nowSeconds);
  }
}
