/**
 * Tells when a response is over, sent or not. A listener for 'close' of the response is not enough: a response that waits behind
 * another one on its connection (pipelining) has no connection yet, and gets no event when the connection is cut off; and a
 * cancelled stream of HTTP/2 has the same events and properties as one that was sent.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** A request that is counted when its response is over. */
export interface Pending {
  readonly request: IncomingMessage;
  isOver: boolean;
  /** Called once; the argument tells whether the whole response was sent. */
  over(sent: boolean): void;
}

/** The requests of a connection that are not over, and those that were cut off with it. */
interface Connection<P> {
  /** The last one that came. */
  last: P | undefined;
  /** Those before it: a client may send a request before it has the last response (pipelining). */
  earlier: P[] | undefined;
}

/** The response that a connection is sending: a property of Node's, which is faster to read than those of a response on Express. */
interface WithResponse {
  readonly _httpMessage?: unknown;
}

/**
 * The requests that one httpMetrics() counts. Express gives the requests and responses other prototypes, so that reading a property
 * of one takes V8 0.1 to 0.3 µs, and adding one takes 1 µs; to use one as a key in a Map or a WeakMap adds a hash to it. So a request is
 * found by its connection, which is a plain object and has a property for them. And the responses of a connection share one listener for
 * its end.
 */
export class TrackedRequests<P extends Pending> {
  readonly #property = Symbol('prom-multiproc requests');
  /** Streams of HTTP/2, and requests that a test or a function runtime constructs. */
  readonly #others = new WeakMap<IncomingMessage, P>();

  /** @param socket that of the request */
  find(request: IncomingMessage, socket: Socket): P | undefined {
    const connection = this.#of(socket);
    if (connection === undefined) return this.#others.get(request);
    const { last, earlier } = connection;
    return last?.request === request ? last : earlier?.find((pending) => pending.request === request);
  }

  /** Whether the whole response has been sent. */
  isSent(response: ServerResponse, socket: Socket & WithResponse): boolean {
    if (socket?._httpMessage === response) return false;
    return response.socket !== socket && response.writableFinished;
  }

  add(response: ServerResponse, socket: Socket, pending: P): void {
    const { request } = pending;
    let connection = this.#of(socket);
    if (connection === undefined && isOfConnection(request, response)) {
      connection = { last: undefined, earlier: undefined };
      Object.defineProperty(socket, this.#property, { value: connection });
      whenCutOff(socket, connection);
    }
    if (connection === undefined) {
      this.#others.set(request, pending);
      whenClosed(response, pending);
      return;
    }
    if (connection.last !== undefined) (connection.earlier ??= []).push(connection.last);
    connection.last = pending;
    // the client went away before this; 'close' was emitted then
    if (socket.destroyed) {
      end(pending, false);
      return;
    }
    const ofSocket = connection;
    response.on('finish', () => {
      // when it was cut off it stays, so that the request is found if it reaches a slow middleware later
      if (!pending.isOver) forget(pending, ofSocket);
      end(pending, true);
    });
  }

  #of(socket: Socket | undefined): Connection<P> | undefined {
    return (socket as Readonly<Record<symbol, Connection<P> | undefined>> | undefined)?.[this.#property];
  }
}

function forget<P>(pending: P, connection: Connection<P>): void {
  if (connection.last === pending) connection.last = undefined;
  else connection.earlier = connection.earlier?.filter((other) => other !== pending);
}

/**
 * Whether the end of the connection is the end of the response. It is not for streams of HTTP/2, and constructed requests may have
 * another connection than their response, or none.
 */
function isOfConnection({ httpVersionMajor, socket }: IncomingMessage, response: ServerResponse): boolean {
  if (httpVersionMajor > 1 || typeof socket?.once !== 'function') return false;
  return response.socket === socket || response.socket === null;
}

function whenCutOff(socket: Socket, connection: Connection<Pending>): void {
  socket.once('close', () => {
    for (const pending of connection.earlier ?? []) end(pending, false);
    if (connection.last !== undefined) end(connection.last, false);
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
