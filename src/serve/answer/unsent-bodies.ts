import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendBody } from './body.js';
import { onceOver } from './response-over.js';

export interface SendLimits {
  /** Bytes of all bodies together; the newest stays even where it alone is larger. Infinity for no limit. */
  readonly bytes: number;
  /** Milliseconds in which a client may take nothing of its answer. */
  readonly stallMs: number;
  /** Milliseconds in which a client has to take all of its answer. */
  readonly sendTimeoutMs: number;
}

/** A client that is being sent a body. */
interface Reader {
  readonly req: IncomingMessage;
  /** `performance.now()` when it began. */
  readonly since: number;
  /** Bytes that it, or the kernel for it, has taken. */
  taken: number;
}

/** A client that began to read so short a time ago may be as fast as any. */
const NEW_MS = 1000;

/**
 * The bodies that clients are still being sent. Scrapes that come together share one body; each later one has a body of its
 * own, which stays in memory until the slowest of its clients has read it: forty that read next to nothing held 2 GiB of
 * 50 MiB answers (ran). So there is a limit to all of them together, and the slowest clients make room for the newest: no
 * number of slow readers keeps out, or drops, a client that keeps up.
 */
export class UnsentBodies {
  /** The clients that are sent each body, the oldest body first. */
  readonly #readers = new Map<Uint8Array, Set<Reader>>();
  readonly #limits: SendLimits;
  #bytes = 0;

  constructor(limits: SendLimits) {
    this.#limits = limits;
  }

  /** Sends a body, whose head has been written. It counts once for all its clients, until the last has taken it. */
  async send(req: IncomingMessage, res: ServerResponse, body: Uint8Array): Promise<void> {
    const reader: Reader = { req, since: performance.now(), taken: 0 };
    let readers = this.#readers.get(body);
    if (readers === undefined) {
      this.#readers.set(body, (readers = new Set()));
      this.#bytes += body.byteLength;
    }
    readers.add(reader);
    const late = setTimeout(() => req.socket.destroy(), this.#limits.sendTimeoutMs);
    late.unref();
    onceOver(req, res, () => {
      clearTimeout(late);
      this.#release(body, reader);
    });
    while (this.#bytes > this.#limits.bytes && this.#dropSlowest(body));
    await sendBody(req, res, body, this.#limits.stallMs, (bytes) => {
      reader.taken += bytes;
    });
  }

  /** Drops the clients of the body that is read slowest, but of `newest`; false where there is no other. */
  #dropSlowest(newest: Uint8Array): boolean {
    const now = performance.now();
    let slowest: Uint8Array | undefined;
    let least = Infinity;
    for (const [body, readers] of this.#readers) {
      if (body === newest) continue;
      // a body stays for the fastest of its clients
      const rate = Math.max(...[...readers].map((reader) => bytesPerMs(reader, now)));
      if (slowest !== undefined && rate >= least) continue;
      slowest = body;
      least = rate;
    }
    if (slowest === undefined) return false;
    for (const reader of this.#readers.get(slowest)!) {
      this.#release(slowest, reader);
      reader.req.socket.destroy();
    }
    return true;
  }

  #release(body: Uint8Array, reader: Reader): void {
    const readers = this.#readers.get(body);
    if (readers?.delete(reader) !== true || readers.size > 0) return;
    this.#readers.delete(body);
    this.#bytes -= body.byteLength;
  }
}

function bytesPerMs({ since, taken }: Reader, now: number): number {
  return now - since < NEW_MS ? Infinity : taken / (now - since);
}
