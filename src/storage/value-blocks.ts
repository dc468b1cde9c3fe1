import { BLOCK, type ValueBlockKind } from '../metrics-file/layout.js';
import type { SlotShape } from '../metrics-file/slot-shape.js';
import type { ValueBlock } from '../metrics-file/backing.js';

/** The view of cells without slots. Nothing is ever written to it: writers check `index` first. */
export const DETACHED_VIEW = new Float64Array(0);
export const DETACHED = -1;

/**
 * The place of float64 slots: `view[index]`, `view[index + 1]`, … The store changes these fields when it moves the slots
 * (from memory to the file, or to a new file), so a holder reads both at every write and keeps no copy.
 */
export class Cells {
  view: Float64Array = DETACHED_VIEW;
  /** DETACHED while there are no slots: not written yet, removed, or refused. */
  index: number = DETACHED;
  block: ValueBlock | undefined = undefined;
}

/** The number of blocks whose values readers must not see yet: those of a callback in progress. */
const SHADOW_BLOCK = -2;

/** Whether slots are in memory because a running `collect()` writes to them. */
export function isShadow({ block }: Pick<Cells, 'block'>): boolean {
  return block?.number === SHADOW_BLOCK;
}

/** Creates blocks: a file's writer, or memory. Undefined means that there is no room. */
export type BlockMaker = (kind: ValueBlockKind, slots: number) => ValueBlock | undefined;

/** Removed slots are not reused for this time, which is longer than a reader takes between a file's keys and its values. */
export const REUSE_DELAY_MS = 1000;
export const FIRST_BLOCK_BYTES = 4096 - BLOCK.data;
const MAX_BLOCK_BYTES = 4 * 1024 * 1024 - BLOCK.data;

interface Resting {
  readonly block: ValueBlock;
  readonly index: number;
  /** `performance.now()` of the removal. */
  readonly since: number;
}

/** Allocates slots, block by block, and frees them. */
export class SlotAllocator {
  readonly #make: BlockMaker;
  readonly #largestBlockBytes: number;
  readonly #publishedAt: () => number;
  /** Per kind: the block that is being filled, and its next free slot. */
  readonly #filling = new Map<ValueBlockKind, { block: ValueBlock; next: number }>();
  /** Freed slots per kind and size, oldest first. */
  readonly #resting = new Map<string, Resting[]>();
  readonly #restingFrom = new Map<string, number>();
  readonly #slotsOfKind = new Map<ValueBlockKind, number>();
  /** Weak: a block goes with the last metric that has slots in it. */
  readonly #blocks = new WeakSet<ValueBlock>();

  /**
   * @param publishedAt `performance.now()` of the moment up to which the log has reached readers. Slots of later removals are
   * not reused: a flushed file would have the value of another series under the old name
   */
  constructor(
    make: BlockMaker,
    publishedAt: () => number = () => Infinity,
    largestBlockBytes: number = MAX_BLOCK_BYTES,
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
      this.#blocks.add(block);
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

  /** Whether the allocator has made a block. */
  owns(block: ValueBlock): boolean {
    return this.#blocks.has(block);
  }

  /** Frees slots and zeroes them; they are reused after some time. Their removal is in the log already. */
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

  /** As many as the kind has already, so that a file has at most a few dozen blocks. */
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
    if (oldest === undefined || performance.now() - oldest.since < REUSE_DELAY_MS) return undefined;
    if (oldest.since > this.#publishedAt()) return undefined;
    // the head of the queue moves, and its used part is cut off now and then, so that the cost of taking is constant
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
