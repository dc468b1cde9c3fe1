/**
 * Free cells of series that no file has any more, by their number, so that a file whose series come and go needs no further
 * cells.
 */
export class FreeCells {
  readonly #byCount = new Map<number, number[]>();

  /** The first of that many adjacent cells; undefined where there are none. */
  take(count: number): number | undefined {
    return this.#byCount.get(count)?.pop();
  }

  give(first: number, count: number): void {
    const free = this.#byCount.get(count);
    if (free === undefined) this.#byCount.set(count, [first]);
    else free.push(first);
  }

  clear(): void {
    this.#byCount.clear();
  }
}
