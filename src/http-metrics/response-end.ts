/**
 * Tells when a response is over, sent or not. A listener for 'close' of the response is not enough: a response that waits behind
 * another one on its connection (pipelining) has no connection yet, and gets no event when the connection is cut off; and a
 * cancelled stream of HTTP/2 has the same events and properties as one that was sent.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A request that is counted when its response is over. */
export interface Pending {
  isOver: boolean;
  /** Called once; the argument tells whether the whole response was sent. */
  over(sent: boolean): void;
}

/**
 * The requests that one httpMetrics() counts. Express gives the requests and responses other prototypes, so that reading a property
 * of one takes V8 0.1 to 0.3 µs, and adding one takes 1 µs. So a request is found by its connection, which is a plain object. A WeakMap of
 * requests would cost the garbage collector 0.4 µs a request. And the responses of a connection share one listener for its end.
 */
export class TrackedRequests<P extends Pending> {
  /** Those that are not over, and those that were cut off with their connection. */
  readonly #ofConnections = new WeakMap<Socket, Map<IncomingMessage, P>>();
  /** Streams of HTTP/2, and requests that a test or a function runtime constructs. */
  readonly #others = new WeakMap<IncomingMessage, P>();

  /** @param socket that of the request */
  find(request: IncomingMessage, socket: Socket): P | undefined {
    const all = this.#ofConnections.get(socket);
    return all === undefined ? this.#others.get(request) : all.get(request);
  }

  add(request: IncomingMessage, response: ServerResponse, socket: Socket, pending: P): void {
    let all = this.#ofConnections.get(socket);
    if (all === undefined && isOfConnection(request, response)) {
      this.#ofConnections.set(socket, (all = new Map()));
      whenCutOff(socket, all);
    }
    if (all === undefined) {
      this.#others.set(request, pending);
      whenClosed(response, pending);
      return;
    }
    const pendingOfConnection = all;
    pendingOfConnection.set(request, pending);
    // the client went away before this; 'close' was emitted then
    if (socket.destroyed) {
      end(pending, false);
      return;
    }
    response.on('finish', () => {
      // when it was cut off it stays, so that the request is found if it reaches a slow middleware later
      if (!pending.isOver) pendingOfConnection.delete(request);
      end(pending, true);
    });
  }
}

/**
 * Whether the end of the connection is the end of the response. It is not for streams of HTTP/2, and constructed requests may have
 * another connection than their response, or none.
 */
function isOfConnection({ httpVersionMajor, socket }: IncomingMessage, response: ServerResponse): boolean {
  if (httpVersionMajor > 1 || typeof socket?.once !== 'function') return false;
  return response.socket === socket || response.socket === null;
}

function whenCutOff(socket: Socket, all: ReadonlyMap<IncomingMessage, Pending>): void {
  socket.once('close', () => {
    for (const pending of all.values()) end(pending, false);
  });
}

/** `writableFinished` at 'close' would not do: responses of fastify's inject() never have it. */
function whenClosed(response: ServerResponse, pending: Pending): void {
  if (isGone(response)) {
    end(pending, false);
    return;
  }
  let finished = false;
  response.once('finish', () => {
    finished = response.writableEnded;
  });
  response.once('close', () => end(pending, finished && !wasCancelled(response)));
}

function end(pending: Pending, sent: boolean): void {
  if (pending.isOver) return;
  pending.isOver = true;
  pending.over(sent);
}

/** Properties of HTTP/2 responses that HTTP/1 responses do not have. */
interface WithStream {
  readonly stream?: { readonly rstCode?: number; readonly destroyed?: boolean };
}

function isGone(response: ServerResponse & WithStream): boolean {
  return response.destroyed || response.stream?.destroyed === true;
}

/** RST_STREAM with anything but NO_ERROR (RFC 9113, 7). */
function wasCancelled({ stream }: ServerResponse & WithStream): boolean {
  return (stream?.rstCode ?? 0) !== 0;
}
