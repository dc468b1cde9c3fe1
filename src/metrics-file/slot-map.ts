/** A run of slots that a record has named. */
export interface SlotRun {
  /** Offset of the record in the file. */
  readonly offset: number;
  readonly block: number;
  readonly slot: number;
  readonly slots: number;
  /** The family and the key of a series; undefined for an attachment. */
  readonly series: string | undefined;
}

/** Maps the slots of a file to the records that name them, in the order of its log. */
export class SlotMap {
  readonly #blocks = new Map<number, Map<number, SlotRun>>();
  readonly #takenTwice: { offset: number; slot: number; other: number }[] = [];

  get series(): number {
    let count = 0;
    for (const runs of this.#blocks.values()) for (const { series } of runs.values()) if (series !== undefined) count++;
    return count;
  }

  add(run: SlotRun): void {
    let runs = this.#blocks.get(run.block);
    if (runs === undefined) {
      runs = new Map();
      this.#blocks.set(run.block, runs);
    }
    const known = runs.get(run.slot);
    // a second record of a series marks it as idle, or takes the mark away
    const isSame = known !== undefined && known.series !== undefined && known.series === run.series;
    if (known !== undefined && !isSame) {
      this.#takenTwice.push({ offset: run.offset, slot: run.slot, other: known.offset });
    }
    runs.set(run.slot, run);
  }

  /** Returns false where no run begins there. */
  remove(block: number, slot: number): boolean {
    return this.#blocks.get(block)?.delete(slot) === true;
  }

  /** Runs that share slots with another run. */
  overlaps(): { readonly offset: number; readonly slot: number; readonly other: number }[] {
    const found = [...this.#takenTwice];
    for (const runs of this.#blocks.values()) {
      let before: SlotRun | undefined;
      for (const run of [...runs.values()].toSorted((a, b) => a.slot - b.slot)) {
        if (before !== undefined && before.slot + before.slots > run.slot) {
          found.push({ offset: run.offset, slot: run.slot, other: before.offset });
        }
        before = run;
      }
    }
    return found;
  }
}
