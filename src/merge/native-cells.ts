import type { NativeRole } from '../metrics-file/attachment.js';
import { nativeSlots } from '../model/native-bins.js';
import type { CellSpace } from './cell-space.js';

/** The bins that several files have in a chunk of one number and schema. */
export interface NativeChunk {
  readonly role: NativeRole;
  /** The classic buckets of these processes do not count the same values: they declare none. */
  readonly isApart: boolean;
  readonly cell: number;
  readonly slots: number;
  references: number;
}

const NONE: readonly NativeChunk[] = [];

/** The cells of native histograms. Each chunk keeps the schema of its file; they are converted when a series is read. */
export class NativeCells {
  readonly #space: CellSpace;
  /** Per series, in the order of their numbers, so that their bins need no sorting. */
  readonly #chunks: (NativeChunk[] | undefined)[] = [];

  constructor(space: CellSpace) {
    this.#space = space;
  }

  /** The chunks of a series. */
  of(series: number): readonly NativeChunk[] {
    return this.#chunks[series] ?? NONE;
  }

  /** Adds a reference to a chunk. */
  retain(series: number, role: NativeRole, isApart: boolean): NativeChunk {
    const chunk = this.#chunkOf(series, role, isApart);
    chunk.references++;
    return chunk;
  }

  /** The first cell of a chunk, which is made if it is missing; no reference is counted. */
  cellOf(series: number, role: NativeRole, isApart: boolean): number {
    return this.#chunkOf(series, role, isApart).cell;
  }

  release(series: number, chunk: NativeChunk): void {
    if (--chunk.references > 0) return;
    this.#space.give(chunk.cell, chunk.slots);
    this.#chunks[series] = this.#chunks[series]?.filter((other) => other !== chunk);
  }

  clear(): void {
    this.#chunks.length = 0;
  }

  #chunkOf(series: number, role: NativeRole, isApart: boolean): NativeChunk {
    while (this.#chunks.length <= series) this.#chunks.push(undefined);
    const chunks = (this.#chunks[series] ??= []);
    let before = chunks.length;
    for (; before > 0; before--) {
      const known = chunks[before - 1];
      // equal roles are one object
      if (known.role === role && known.isApart === isApart) return known;
      if (known.role.chunk < role.chunk) break;
    }
    const slots = nativeSlots(role);
    const chunk = { role, isApart, slots, cell: this.#space.take(slots, series), references: 0 };
    chunks.splice(before, 0, chunk);
    return chunk;
  }
}
