/**
 * Which slots of a file are some record's. No writer gives slots to two records at once, and a reader refuses a file that
 * does: each record of a few bytes could name all slots of the file again, and what is read of it would have no bound.
 */
export class SlotClaims {
  /** By the numbers of blocks, one byte a slot. */
  readonly #blocks = new Map<number, Uint8Array>();

  /** Takes slots. Returns false, with nothing taken, where one of them is another record's. */
  take(block: { readonly number: number; readonly capacity: number }, slot: number, slots: number): boolean {
    let taken = this.#blocks.get(block.number);
    if (taken === undefined) this.#blocks.set(block.number, (taken = new Uint8Array(block.capacity)));
    if (taken.subarray(slot, slot + slots).includes(1)) return false;
    taken.fill(1, slot, slot + slots);
    return true;
  }

  give(block: number, slot: number, slots: number): void {
    this.#blocks.get(block)?.fill(0, slot, slot + slots);
  }

  clear(): void {
    this.#blocks.clear();
  }
}
