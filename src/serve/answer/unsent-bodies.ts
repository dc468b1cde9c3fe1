import type { IncomingMessage, ServerResponse } from 'node:http';
import { onceOver } from './response-over.js';

/**
 * The bodies that clients are still being sent. Scrapes that come together share one body; each later one has a body of its
 * own, which stays in memory until the slowest of its clients has read it: forty that read next to nothing held 2 GiB of
 * 50 MiB answers (ran). So there is a limit to all of them together, and whoever has read longest makes room for the newest:
 * those who keep up are never the oldest, and no number of slow readers keeps them out.
 */
export class UnsentBodies {
  /** Who is sent each body, the oldest body first. */
  readonly #readers = new Map<Uint8Array, Set<IncomingMessage>>();
  #bytes = 0;

  /** @param limitBytes of all bodies; the newest stays even where it alone is larger. Infinity for no limit. */
  constructor(readonly limitBytes: number) {}

  /** Counts a body, once for all its readers, until the response is over; drops the oldest ones' readers for it. */
  hold(body: Uint8Array, req: IncomingMessage, res: ServerResponse): void {
    let readers = this.#readers.get(body);
    if (readers === undefined) {
      this.#readers.set(body, (readers = new Set()));
      this.#bytes += body.byteLength;
    }
    readers.add(req);
    onceOver(req, res, () => this.#release(body, req));
    for (const [oldest, slow] of this.#readers) {
      if (this.#bytes <= this.limitBytes || oldest === body) return;
      for (const reader of slow) {
        this.#release(oldest, reader);
        reader.socket.destroy();
      }
    }
  }

  #release(body: Uint8Array, req: IncomingMessage): void {
    const readers = this.#readers.get(body);
    if (readers?.delete(req) !== true || readers.size > 0) return;
    this.#readers.delete(body);
    this.#bytes -= body.byteLength;
  }
}
