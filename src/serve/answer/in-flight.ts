/**
 * Limits how many scrapes are rendered at once, so that many clients cannot start thousands of renderings. A scrape frees its
 * place when it is rendered, and not when it is sent: forty clients that read nothing would otherwise keep the others out.
 * UnsentBodies limits the bodies that are rendered and not sent.
 */
export class InFlightLimit {
  #taken = 0;

  /** @param limit the number of places; Infinity for no limit */
  constructor(readonly limit: number) {}

  get isFull(): boolean {
    return this.#taken >= this.limit;
  }

  /** Runs `work`, which takes one place while it runs. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#taken++;
    try {
      return await work();
    } finally {
      this.#taken--;
    }
  }
}
