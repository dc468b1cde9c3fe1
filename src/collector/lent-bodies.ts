/**
 * Expositions that are sent from the memory in which they are rendered. Its users give them back, and the next rendering then overwrites
 * them. A body of 23 MB that moved to the main thread was external memory, for every 64 MiB of which V8 collects all garbage: a stall of
 * 3 to 5 ms in every third scrape. A copy for each scrape took 40 of its 170 ms for 70 MB, and its memory.
 */

import { randomUUID } from 'node:crypto';

export interface LentBody {
  readonly body: Uint8Array;
  /** Call it once, when nothing reads the body any more. Without it the garbage collector takes the body. */
  readonly giveBack: () => void;
}

interface Holders {
  readonly loan: string;
  count: number;
}

/** The bodies of one collector, on the side of those who use them. */
export class LentBodies {
  readonly #holders = new WeakMap<Uint8Array, Holders>();
  readonly #returned = new Set<Holders>();

  /** @param loan undefined where the body is a copy */
  lend(body: Uint8Array, loan: string | undefined): LentBody {
    if (loan === undefined) return { body, giveBack: () => {} };
    const holders = this.#holders.get(body) ?? { loan, count: 0 };
    this.#holders.set(body, holders);
    holders.count++;
    const giveBack = (): void => {
      holders.count--;
      this.#returned.add(holders);
    };
    return { body, giveBack };
  }

  /** The loans that came back. They count only now: another caller of the same collection may have taken the body later. */
  take(): string[] {
    const returned = [...this.#returned].filter(({ count }) => count === 0).map(({ loan }) => loan);
    this.#returned.clear();
    return returned;
  }
}

/** Maximum number of loans that are remembered: bodies of clients that disconnect do not come back. */
const MAX_LOANS = 256;

/** The loans of an engine. */
export class Loans {
  readonly #engine = randomUUID();
  readonly #giveBack = new Map<string, () => void>();
  #count = 0;

  add(giveBack: () => void): string {
    const loan = `${this.#engine} ${this.#count++}`;
    this.#giveBack.set(loan, giveBack);
    if (this.#giveBack.size > MAX_LOANS) this.#giveBack.delete(this.#giveBack.keys().next().value!);
    return loan;
  }

  /** @param returned loans of this engine, or of one before it */
  end(returned: readonly string[]): void {
    for (const loan of returned) {
      this.#giveBack.get(loan)?.();
      this.#giveBack.delete(loan);
    }
  }
}
