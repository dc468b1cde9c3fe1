/** Cells of series that no file has any more, by their number: a file whose series come and go needs no more of them. */
export class FreeCells {
  readonly #byCount = new Map<number, number[]>();

  /** The first of so many cells in a row; undefined where there are none. */
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
