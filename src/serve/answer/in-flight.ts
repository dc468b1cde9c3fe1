/**
 * Places for scrapes that are being rendered, so that a crowd of clients cannot have thousands of renderings under way. A place
 * is given back when the answer is rendered: what its client makes of it is the business of UnsentBodies, or forty clients
 * that read nothing would keep the others out.
 */
export class InFlightLimit {
  #taken = 0;

  /** @param limit places; Infinity for no limit. */
  constructor(readonly limit: number) {}

  /** Whether there is no free place. */
  get isFull(): boolean {
    return this.#taken >= this.limit;
  }

  /** Runs `work` in a place of its own. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#taken++;
    try {
      return await work();
    } finally {
      this.#taken--;
    }
  }
}
