/**
 * Tells when a response is over, sent or not. A listener for 'close' of the response is not enough: a response that waits behind
 * another one on its connection (pipelining) has no connection yet, and gets no event when the connection is cut off; and a
 * cancelled stream of HTTP/2 has the same events and properties as one that was sent.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** `over` is called once; its argument tells whether the whole response was sent. */
export interface Pending {
  over(sent: boolean): void;
}

/**
 * Responses that are not over, by connection. They share one listener for its end: adding a listener with `once` to each response
 * took half of the time that a request's metrics take.
 */
const pendingOf = new WeakMap<Socket, Set<Pending>>();

export function whenOver(request: IncomingMessage, response: ServerResponse, pending: Pending): void {
  // mounted behind a slow middleware, while the client went away: 'close' was emitted before
  if (isGone(response)) pending.over(false);
  else if (!isOfConnection(request, response)) whenClosed(response, pending);
  else whenFinished(request.socket, response, pending);
}

/**
 * Whether the end of the connection is the end of the response. It is not for streams of HTTP/2, and requests that a test or a
 * function runtime constructs may have another connection than their response, or none.
 */
function isOfConnection({ httpVersionMajor, socket }: IncomingMessage, response: ServerResponse): boolean {
  if (httpVersionMajor > 1 || typeof socket?.once !== 'function') return false;
  return response.socket === socket || response.socket === null;
}

function whenFinished(socket: Socket, response: ServerResponse, pending: Pending): void {
  // the response waits behind others, and its connection has been cut off
  if (socket.destroyed) {
    pending.over(false);
    return;
  }
  const all = pendingOf.get(socket) ?? pendingOn(socket);
  all.add(pending);
  response.on('finish', () => {
    if (all.delete(pending)) pending.over(response.writableEnded);
  });
}

function pendingOn(socket: Socket): Set<Pending> {
  const all = new Set<Pending>();
  pendingOf.set(socket, all);
  socket.once('close', () => {
    for (const pending of all) pending.over(false);
    all.clear();
  });
  return all;
}

/** `writableFinished` at 'close' would not do: responses of fastify's inject() never have it. */
function whenClosed(response: ServerResponse, pending: Pending): void {
  let finished = false;
  response.once('finish', () => {
    finished = response.writableEnded;
  });
  response.once('close', () => pending.over(finished && !wasCancelled(response)));
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
