import type { IncomingMessage, ServerResponse } from 'node:http';
import { isOver, onceOver } from './response-over.js';

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

/** Small enough that encrypting a chunk does not block the event loop, and large enough that a 'drain' event for each costs little. */
const CHUNK_BYTES = 64 * 1024;
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

  /**
   * Sends a body after its head was written. The body counts once for all its clients, until the last one has taken it.
   *
   * It is written in chunks, each when the client has taken the one before. With a single write, 100 MiB over TLS blocked the
   * event loop for 165 ms and needed another 100 MiB of memory; in chunks, 8 ms and 5 MiB (measured).
   */
  async send(req: IncomingMessage, res: ServerResponse, body: Uint8Array): Promise<void> {
    const reader: Reader = { req, since: performance.now(), taken: 0 };
    let readers = this.#readers.get(body);
    if (readers === undefined) {
      this.#readers.set(body, (readers = new Set()));
      this.#bytes += body.byteLength;
    }
    readers.add(reader);
    const disconnect = (): void => void req.socket.destroy();
    const late = setTimeout(disconnect, this.#limits.sendTimeoutMs).unref();
    const stalled = setTimeout(disconnect, this.#limits.stallMs);
    onceOver(req, res, () => {
      clearTimeout(late);
      clearTimeout(stalled);
      this.#release(body, reader);
    });
    while (this.#bytes > this.#limits.bytes && this.#dropSlowest(body));
    let at = 0;
    for (; body.byteLength - at > CHUNK_BYTES; at += CHUNK_BYTES) {
      if (!res.write(body.subarray(at, at + CHUNK_BYTES)) && !(await drained(req, res))) return;
      reader.taken += CHUNK_BYTES;
      stalled.refresh();
    }
    res.end(body.subarray(at));
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

/** True when the client has taken what was written; false where it is gone. */
function drained(req: IncomingMessage, res: ServerResponse): Promise<boolean> {
  if (isOver(req, res)) return Promise.resolve(false);
  return new Promise((resolve) => {
    const forgetClient = onceOver(req, res, () => resolve(false));
    res.once('drain', () => {
      forgetClient();
      resolve(true);
    });
  });
}

function bytesPerMs({ since, taken }: Reader, now: number): number {
  return now - since < NEW_MS ? Infinity : taken / (now - since);
}
