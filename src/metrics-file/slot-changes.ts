import { widened } from '../model/widened.js';
import { isCount } from './record-bodies.js';

/** The counts of a block that changed from one reading to the next. */
export class SlotChanges {
  #slots = new Int32Array(0);
  #by = new Float64Array(0);
  #length = 0;
  /** Whether there were too many to remember. */
  areLost = false;

  /**
   * Compares counts with those of the last reading and takes them over.
   *
   * @param at the slot of the first one
   * @returns false where one that changed is no count
   */
  note(read: Float64Array, slots: number, values: Float64Array, at: number): boolean {
    let isSound = true;
    const wholes = slots & ~3;
    for (let slot = 0; slot < slots; slot += 4) {
      const to = at + slot;
      // four at once: 0.9 ns a slot, where one comparison after the other took 1.5
      if (
        slot < wholes &&
        read[slot] === values[to] &&
        read[slot + 1] === values[to + 1] &&
        read[slot + 2] === values[to + 2] &&
        read[slot + 3] === values[to + 3]
      ) {
        continue;
      }
      for (let each = slot; each < Math.min(slots, slot + 4); each++) {
        const now = read[each];
        const before = values[at + each];
        if (now === before) continue;
        values[at + each] = now;
        if (!isCount(now)) isSound = false;
        this.#add(at + each, now - before, values.length);
      }
    }
    return isSound;
  }

  /** Passes on the changes and forgets them. */
  takeEach(take: (slot: number, by: number) => void): void {
    for (let at = 0; at < this.#length; at++) take(this.#slots[at], this.#by[at]);
    this.clear();
  }

  clear(): void {
    this.#length = 0;
    this.areLost = false;
  }

  lose(): void {
    this.#length = 0;
    this.areLost = true;
  }

  #add(slot: number, by: number, slots: number): void {
    if (this.areLost) return;
    const at = this.#length++;
    if (at === this.#slots.length) {
      // beyond that it is cheaper to add all counts
      if (at > slots / 8) return this.lose();
      const length = Math.max(256, 2 * at);
      this.#slots = widened(this.#slots, length);
      this.#by = widened(this.#by, length);
    }
    this.#slots[at] = slot;
    this.#by[at] = by;
  }
}

/** Whether all are whole numbers that a float64 holds exactly. */
export function areCounts(values: Float64Array, end: number): boolean {
  for (let at = 0; at < end; at++) if (!isCount(values[at])) return false;
  return true;
}
