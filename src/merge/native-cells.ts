import type { NativeRole } from '../metrics-file/attachment.js';
import { nativeSlots } from '../model/native-bins.js';
import type { CellSpace } from './cell-space.js';

/** The bins that several files have in a chunk of one number and schema. */
export interface NativeChunk extends NativeRole {
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
  readonly #chunks = new Map<number, NativeChunk[]>();

  constructor(space: CellSpace) {
    this.#space = space;
  }

  /** The chunks of a series. */
  of(series: number): readonly NativeChunk[] {
    return this.#chunks.get(series) ?? NONE;
  }

  /** Adds a reference to a chunk. @returns its first cell */
  retain(series: number, role: NativeRole, isApart: boolean): number {
    const known = this.#find(series, role, isApart);
    if (known !== undefined) {
      known.references++;
      return known.cell;
    }
    const slots = nativeSlots(role);
    const chunk = { ...role, isApart, slots, cell: this.#space.take(slots), references: 1 };
    const chunks = this.#chunks.get(series);
    if (chunks === undefined) this.#chunks.set(series, [chunk]);
    else {
      const before = chunks.findLastIndex((other) => other.chunk < chunk.chunk);
      chunks.splice(before + 1, 0, chunk);
    }
    return chunk.cell;
  }

  /** The first cell of a chunk, which is made if it is missing; no reference is counted. */
  cellOf(series: number, role: NativeRole, isApart: boolean): number {
    return this.#find(series, role, isApart)?.cell ?? this.retain(series, role, isApart);
  }

  release(series: number, role: NativeRole, isApart: boolean): void {
    const chunk = this.#find(series, role, isApart);
    if (chunk === undefined || --chunk.references > 0) return;
    this.#space.give(chunk.cell, chunk.slots);
    const others = this.#chunks.get(series)!.filter((other) => other !== chunk);
    if (others.length === 0) this.#chunks.delete(series);
    else this.#chunks.set(series, others);
  }

  clear(): void {
    this.#chunks.clear();
  }

  #find(series: number, role: NativeRole, isApart: boolean): NativeChunk | undefined {
    const { sign, chunk, schema } = role;
    return this.#chunks
      .get(series)
      ?.find(
        (each) => each.chunk === chunk && each.sign === sign && each.schema === schema && each.isApart === isApart,
      );
  }
}
