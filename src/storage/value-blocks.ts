import { BLOCK, type ValueBlockKind } from '../metrics-file/layout.js';
import type { SlotShape } from '../metrics-file/slot-shape.js';
import type { Backing, ValueBlock } from '../metrics-file/backing.js';

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

export function copyValues(view: Float64Array, index: number, to: Cells, slots: number): void {
  for (let slot = 0; slot < slots; slot++) to.view[to.index + slot] = view[index + slot];
}

/** Whether slots are in the file, and not in memory. */
export function isInFile({ block }: Pick<Cells, 'block'>): boolean {
  return block !== undefined && block.number >= 0;
}

/** The part of a backing that makes blocks. */
type BlockSource = Pick<Backing, 'addValueBlock' | 'publishedAt'>;

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
  readonly #source: BlockSource;
  readonly #blockBytes: { readonly first: number; readonly largest: number };
  /** Per kind: the block that is being filled, its next free slot, and the slots of all blocks. */
  readonly #filling = new Map<ValueBlockKind, { block: ValueBlock; next: number; slots: number }>();
  /** Freed slots per kind and size; from `head` on, oldest first. */
  readonly #resting = new Map<string, { head: number; readonly slots: Resting[] }>();
  /** Weak: a block goes with the last metric that has slots in it. */
  readonly #blocks = new WeakSet<ValueBlock>();

  constructor(source: BlockSource, { first = FIRST_BLOCK_BYTES, largest = MAX_BLOCK_BYTES } = {}) {
    this.#source = source;
    this.#blockBytes = { first, largest };
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
      const soFar = filling?.slots ?? 0;
      const block = this.#source.addValueBlock(shape.kind, this.#nextBlockSlots(shape, soFar));
      if (block === undefined) return false;
      this.#blocks.add(block);
      filling = { block, next: 0, slots: soFar + block.view.length };
      this.#filling.set(shape.kind, filling);
    }
    const index = filling.next;
    filling.next += shape.slots;
    filling.block.publishUsed(filling.next);
    bind(cells, filling.block, index);
    return true;
  }

  owns(block: ValueBlock): boolean {
    return this.#blocks.has(block);
  }

  /** Frees slots and zeroes them; they are reused after some time. Their removal is in the log already. */
  release(shape: SlotShape, cells: Cells): void {
    const { block, index } = cells;
    if (block === undefined) return;
    block.view.fill(0, index, index + shape.slots);
    const key = shapeKey(shape);
    let resting = this.#resting.get(key);
    if (resting === undefined) this.#resting.set(key, (resting = { head: 0, slots: [] }));
    resting.slots.push({ block, index, since: performance.now() });
  }

  /** As many as the kind has already, so that a file has at most a few dozen blocks. */
  #nextBlockSlots(shape: SlotShape, soFar: number): number {
    const { first, largest } = this.#blockBytes;
    const bytes = Math.min(Math.max(soFar * Float64Array.BYTES_PER_ELEMENT, first), largest);
    return Math.max(Math.floor(bytes / Float64Array.BYTES_PER_ELEMENT), shape.slots);
  }

  #takeRested(shape: SlotShape): Resting | undefined {
    const resting = this.#resting.get(shapeKey(shape));
    const oldest = resting?.slots[resting.head];
    if (resting === undefined || oldest === undefined) return undefined;
    if (performance.now() - oldest.since < REUSE_DELAY_MS) return undefined;
    // the log of a flushed file does not have the removal yet: readers would find another value under the old name
    if (oldest.since > this.#source.publishedAt) return undefined;
    resting.head++;
    // the used part of the queue is cut off now and then, so that the cost of taking is constant
    if (resting.head > 1024 && resting.head * 2 > resting.slots.length) {
      resting.slots.splice(0, resting.head);
      resting.head = 0;
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

function memoryBlock(number: number): Backing['addValueBlock'] {
  return (kind, slots) => ({ kind, number, view: new Float64Array(slots), publishUsed() {} });
}

/** A backing without a file: for one process without a directory. */
export const MEMORY: Backing = {
  kind: 'memory',
  publishedAt: Infinity,
  addValueBlock: memoryBlock(-1),
  append: () => true,
  beginLog: () => undefined,
  flush: () => true,
  report() {},
  close() {},
};

/** Blocks in memory whose values readers must not see yet. */
export const SHADOWS: BlockSource = { addValueBlock: memoryBlock(SHADOW_BLOCK), publishedAt: Infinity };
