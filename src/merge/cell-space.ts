import { widened } from '../model/widened.js';

/**
 * The cells of all merged series in one array. Cells of series that no file has any more are used again, so that a file
 * whose series come and go needs no further cells.
 */
export class CellSpace {
  cells = new Float64Array(1024);
  /** Per cell the number of the series that has taken it. */
  owners = new Int32Array(1024);
  /** Cell 0 belongs to no series. */
  #used = 1;
  /** The first of adjacent free cells, by their number. */
  readonly #free = new Map<number, number[]>();

  /** Returns the first of that many adjacent cells. */
  take(count: number, owner: number): number {
    const at = this.#free.get(count)?.pop() ?? this.#extend(count);
    this.owners.fill(owner, at, at + count);
    return at;
  }

  #extend(count: number): number {
    const at = this.#used;
    this.#used += count;
    if (this.#used > this.cells.length) {
      const length = Math.max(this.cells.length * 2, this.#used);
      this.cells = widened(this.cells, length);
      this.owners = widened(this.owners, length);
    }
    return at;
  }

  give(first: number, count: number): void {
    const free = this.#free.get(count);
    if (free === undefined) this.#free.set(count, [first]);
    else free.push(first);
  }

  /** Sets all cells to zero. */
  clear(): void {
    this.cells.fill(0, 0, this.#used);
  }

  /** Frees all cells. */
  restart(): void {
    this.cells = new Float64Array(1024);
    this.owners = new Int32Array(1024);
    this.#used = 1;
    this.#free.clear();
  }
}
