/**
 * Expositions that are given back when they are sent, so that later ones are written into their memory. A body of 23 MB that arrives
 * from the thread is external memory of the main thread, for every 64 MiB of which V8 collects all garbage: a stall of 3 to 5 ms in
 * every third scrape. With memory that goes back and forth there is none.
 */

/** Smaller bodies cost nothing. */
const MIN_BYTES = 256 * 1024;

export interface LentBody {
  readonly body: Uint8Array;
  /** Call it once, when nothing reads the body any more. Without it the garbage collector takes the body. */
  readonly giveBack: () => void;
}

export class LentBodies {
  /** Number of callers that have a body; Infinity where one of them keeps it. */
  readonly #holders = new WeakMap<Uint8Array, number>();
  readonly #returned = new Set<Uint8Array<ArrayBuffer>>();

  /** A caller keeps the body. */
  keep(body: Uint8Array): void {
    this.#holders.set(body, Infinity);
  }

  lend(body: Uint8Array<ArrayBuffer>): LentBody {
    if (body.byteLength < MIN_BYTES) return { body, giveBack: () => {} };
    this.#holders.set(body, (this.#holders.get(body) ?? 0) + 1);
    const giveBack = (): void => {
      this.#holders.set(body, this.#holders.get(body)! - 1);
      this.#returned.add(body);
    };
    return { body, giveBack };
  }

  /** The memory that came back. A body counts only now: another caller of its collection may have taken it later. */
  take(): ArrayBuffer[] {
    const free = [...this.#returned].filter((body) => this.#holders.get(body) === 0);
    this.#returned.clear();
    return free.map(({ buffer }) => buffer);
  }
}

/** A copy of an exposition, in memory that came back if any fits. @param spares from which the memory is removed */
export function copyInto(spares: ArrayBuffer[], rendered: Uint8Array): Uint8Array<ArrayBuffer> {
  const { byteLength } = rendered;
  const at = spares.findIndex((memory) => memory.byteLength >= byteLength && memory.byteLength <= 2 * byteLength);
  // with some room, since expositions that are scraped again and again become longer
  const roomBytes = spares.length > 0 ? byteLength >> 4 : 0;
  const memory = at < 0 ? new ArrayBuffer(byteLength + roomBytes) : spares.splice(at, 1)[0];
  const body = new Uint8Array(memory, 0, byteLength);
  body.set(rendered);
  return body;
}
