import { BLOCK, type ValueBlockKind } from '../metrics-file/layout.js';
import type { SlotShape } from '../metrics-file/slot-shape.js';
import type { ValueBlock } from '../metrics-file/backing.js';

/** The view of cells that have no slots. Nothing is ever written to it: writers check `index` first. */
export const DETACHED_VIEW = new Float64Array(0);
export const DETACHED = -1;

/**
 * Where float64 slots are: `view[index]`, `view[index + 1]`, … The store sets these fields, and sets them again when it moves
 * the slots (memory → file, a file that is made again), so a holder reads both at every write and keeps no copy.
 */
export class Cells {
  view: Float64Array = DETACHED_VIEW;
  /** DETACHED while there are no slots: not written yet, removed, or refused. */
  index: number = DETACHED;
  block: ValueBlock | undefined = undefined;
}

/** The number of blocks of values that readers are not to see yet: those of a callback that is under way. */
const SHADOW_BLOCK = -2;

/** Whether slots are in memory because a `collect()` that is under way writes to them. */
export function isShadow({ block }: Cells): boolean {
  return block?.number === SHADOW_BLOCK;
}

/** Makes blocks: a file's writer, or memory. Undefined means that there is no room. */
export type BlockMaker = (kind: ValueBlockKind, slots: number) => ValueBlock | undefined;

/** Removed slots rest this long: longer than a reader takes between a file's keys and its values. */
export const REST_MS = 1000;
export const FIRST_BLOCK_BYTES = 4096 - BLOCK.data;
const LARGEST_BLOCK_BYTES = 4 * 1024 * 1024 - BLOCK.data;

interface Resting {
  readonly block: ValueBlock;
  readonly index: number;
  /** `performance.now()` of the removal. */
  readonly since: number;
}

/** Hands out slots, block by block, and takes them back. */
export class SlotAllocator {
  readonly #make: BlockMaker;
  readonly #largestBlockBytes: number;
  readonly #publishedAt: () => number;
  /** Per kind the block that is being filled, and its next free slot. */
  readonly #filling = new Map<ValueBlockKind, { block: ValueBlock; next: number }>();
  /** Per kind and size, oldest first. */
  readonly #resting = new Map<string, Resting[]>();
  readonly #restingFrom = new Map<string, number>();
  readonly #slotsOfKind = new Map<ValueBlockKind, number>();

  /**
   * @param publishedAt `performance.now()` up to which the log has reached readers: slots whose removal has not are not
   * handed out, or a file that is flushed would have another series' value under the old name
   */
  constructor(
    make: BlockMaker,
    publishedAt: () => number = () => Infinity,
    largestBlockBytes: number = LARGEST_BLOCK_BYTES,
  ) {
    this.#largestBlockBytes = largestBlockBytes;
    this.#make = make;
    this.#publishedAt = publishedAt;
  }

  /** Binds cells to zeroed slots; false where there is no room. */
  allocate(shape: SlotShape, cells: Cells): boolean {
    const rested = this.#takeRested(shape);
    if (rested !== undefined) {
      bind(cells, rested.block, rested.index);
      return true;
    }
    let filling = this.#filling.get(shape.kind);
    if (filling === undefined || filling.next + shape.slots > filling.block.view.length) {
      const block = this.#make(shape.kind, this.#nextBlockSlots(shape));
      if (block === undefined) return false;
      filling = { block, next: 0 };
      this.#filling.set(shape.kind, filling);
      this.#slotsOfKind.set(shape.kind, (this.#slotsOfKind.get(shape.kind) ?? 0) + block.view.length);
    }
    const index = filling.next;
    filling.next += shape.slots;
    filling.block.publishUsed(filling.next);
    bind(cells, filling.block, index);
    return true;
  }

  /** Takes slots back, zeroed; they rest before they are handed out again. The log has their removal already. */
  release(shape: SlotShape, cells: Cells): void {
    const { block, index } = cells;
    if (block === undefined) return;
    block.view.fill(0, index, index + shape.slots);
    const key = shapeKey(shape);
    const resting = this.#resting.get(key);
    const entry = { block, index, since: performance.now() };
    if (resting === undefined) this.#resting.set(key, [entry]);
    else resting.push(entry);
  }

  /** As much again as there is of the kind, so that a file has a few dozen blocks at the most. */
  #nextBlockSlots(shape: SlotShape): number {
    const soFar = (this.#slotsOfKind.get(shape.kind) ?? 0) * Float64Array.BYTES_PER_ELEMENT + BLOCK.data;
    const bytes = Math.min(Math.max(soFar - BLOCK.data, FIRST_BLOCK_BYTES), this.#largestBlockBytes);
    return Math.max(Math.floor(bytes / Float64Array.BYTES_PER_ELEMENT), shape.slots);
  }

  #takeRested(shape: SlotShape): Resting | undefined {
    const key = shapeKey(shape);
    const resting = this.#resting.get(key);
    if (resting === undefined) return undefined;
    const from = this.#restingFrom.get(key) ?? 0;
    const oldest = resting[from];
    if (oldest === undefined || performance.now() - oldest.since < REST_MS) return undefined;
    if (oldest.since > this.#publishedAt()) return undefined;
    // the head of the queue moves on, and the dead part is cut off now and then, so that taking costs the same always
    if (from + 1 > 1024 && from * 2 > resting.length) {
      resting.splice(0, from + 1);
      this.#restingFrom.set(key, 0);
    } else {
      this.#restingFrom.set(key, from + 1);
    }
    oldest.block.view.fill(0, oldest.index, oldest.index + shape.slots);
    return oldest;
  }
}

function bind(cells: Cells, block: ValueBlock, index: number): void {
  cells.block = block;
  cells.view = block.view;
  cells.index = index;
}

function shapeKey(shape: SlotShape): string {
  return `${shape.kind}:${shape.slots}`;
}

/** A block that is in no file. */
export function memoryBlock(kind: ValueBlockKind, slots: number): ValueBlock {
  return { kind, number: -1, view: new Float64Array(slots), publishUsed() {} };
}

export function shadowBlock(kind: ValueBlockKind, slots: number): ValueBlock {
  return { ...memoryBlock(kind, slots), number: SHADOW_BLOCK };
}
