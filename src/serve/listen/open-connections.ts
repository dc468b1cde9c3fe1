import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { onceOver } from '../answer/response-over.js';

/** Milliseconds for a last answer's FIN, or a TLS goodbye, once nothing is under way; unfinished handshakes end here. */
const GOODBYE_MS = 200;

/**
 * The connections of a server, for closing it without cutting off an answer. Node's `server.close()` waits for every
 * connection that is open but has sent nothing yet, and its `closeAllConnections()` cuts off answers too.
 */
export class OpenConnections {
  /** Accepted sockets, those still in a TLS handshake among them. */
  readonly #accepted = new Set<Socket>();
  /** The sockets that HTTP is spoken on: the accepted one, or the TLS socket around it. */
  readonly #speaking = new Set<Socket>();
  /** Requests under way on a socket. */
  readonly #underWay = new Map<Socket, Set<ServerResponse>>();
  #closing = false;
  #onIdle: (() => void) | undefined;

  constructor(
    private readonly server: Server,
    private readonly unref: boolean,
  ) {}

  accepted(socket: Socket): void {
    if (this.unref) socket.unref();
    remember(this.#accepted, socket);
  }

  speaking(socket: Socket): void {
    remember(this.#speaking, socket);
  }

  began(req: IncomingMessage, res: ServerResponse): void {
    const { socket } = req;
    const responses = this.#underWay.get(socket) ?? new Set();
    this.#underWay.set(socket, responses.add(res));
    if (this.#closing) askToClose(res);
    onceOver(req, res, () => {
      responses.delete(res);
      if (responses.size > 0) return;
      this.#underWay.delete(socket);
      if (!this.#closing) return;
      socket.destroySoon();
      if (this.#underWay.size === 0) this.#onIdle?.();
    });
  }

  /** Stops accepting, drops idle connections, and waits for what is under way, but no longer than `deadlineMs`. */
  async close(deadlineMs: number): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.#speaking) {
      if (!this.#underWay.has(socket)) socket.destroy();
    }
    for (const responses of this.#underWay.values()) responses.forEach(askToClose);
    const finished = new Promise<void>((resolve) => (this.#onIdle = resolve));
    if (this.#underWay.size === 0 || (await within(deadlineMs, finished))) await within(GOODBYE_MS, closed);
    for (const socket of [...this.#speaking, ...this.#accepted]) socket.destroy();
    await closed;
  }
}

/** Has Node end the connection after this answer and tell the client so. */
function askToClose(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('Connection', 'close');
}

function remember(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
}

/** Whether the event comes in time. */
async function within(ms: number, event: Promise<void>): Promise<boolean> {
  const waiting = new AbortController();
  const tooLate = delay(ms, false, { signal: waiting.signal }).catch(() => false);
  const came = await Promise.race([event.then(() => true), tooLate]);
  waiting.abort();
  return came;
}
