import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { within } from '../../within.js';
import { onceOver } from '../answer/response-over.js';

/** Time for the FIN of the last response or the end of TLS, once no request is in progress; handshakes that are not finished are cut off then. */
const GOODBYE_MS = 200;

/**
 * The connections of a server, for closing it without cutting off a response. Node's `server.close()` waits for every open
 * connection that has sent nothing yet, and its `closeAllConnections()` cuts off responses too.
 */
export class OpenConnections {
  /** Accepted sockets, including those in a TLS handshake. */
  readonly #accepted = new Set<Socket>();
  /** The sockets that carry HTTP: the accepted socket, or the TLS socket around it. */
  readonly #speaking = new Set<Socket>();
  /** Requests in progress on a socket. */
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

  /** Stops accepting, closes idle connections, and waits at most `deadlineMs` for requests in progress. */
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

/** Makes Node end the connection after this response, and tell the client so. */
function askToClose(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('Connection', 'close');
}

function remember(sockets: Set<Socket>, socket: Socket): void {
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
}
