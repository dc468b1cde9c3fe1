import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendBody } from './body.js';
import { onceOver } from './response-over.js';

export interface SendLimits {
  /** Maximum bytes of all bodies together, Infinity for no limit. The newest body is sent even where it alone is larger. */
  readonly bytes: number;
  /** A client that takes no byte for so many milliseconds is disconnected. */
  readonly stallMs: number;
  /** A client that has not taken the whole body after so many milliseconds is disconnected. */
  readonly sendTimeoutMs: number;
}

/** A client that is receiving a body. */
interface Reader {
  readonly req: IncomingMessage;
  /** `performance.now()` at the start of sending. */
  readonly since: number;
  /** Bytes that the client, or the kernel's buffer, has taken. */
  taken: number;
}

/** The speed of a client is not known in its first milliseconds: it counts as fast. */
const NEW_MS = 1000;

/**
 * The bodies that clients have not taken completely. Scrapes at the same time share one body, and each later scrape has its
 * own, which stays in memory until its slowest client has read it: forty clients that read almost nothing kept 2 GiB of
 * 50 MiB responses in memory (measured). So the sum of all bodies is limited, and beyond it the slowest clients are disconnected
 * for the newest: slow readers, however many, cannot keep a fast client out.
 */
export class UnsentBodies {
  /** The clients of each body, the oldest body first. */
  readonly #readers = new Map<Uint8Array, Set<Reader>>();
  readonly #limits: SendLimits;
  #bytes = 0;

  constructor(limits: SendLimits) {
    this.#limits = limits;
  }

  /** Sends a body after its head was written. The body counts once for all its clients, until the last one has taken it. */
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

  /** Disconnects the clients of the body that is read slowest, other than `newest`. False where there is no other body. */
  #dropSlowest(newest: Uint8Array): boolean {
    const now = performance.now();
    let slowest: Uint8Array | undefined;
    let least = Infinity;
    for (const [body, readers] of this.#readers) {
      if (body === newest) continue;
      // the fastest client of a body decides
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
