/**
 * The slots of a file that records use. No writer gives the same slots to two records, and a reader refuses a file in which
 * two records share slots: otherwise each record of a few bytes could name all slots of the file, and the values to read
 * would have no limit.
 */
export class SlotClaims {
  /** One byte per slot, by block number. */
  readonly #blocks = new Map<number, Uint8Array>();

  /** Claims slots. Returns false, and claims none, where another record has one of them. */
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
