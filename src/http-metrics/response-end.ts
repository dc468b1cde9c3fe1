/**
 * Tells when a response is over, sent or not. A listener for 'close' is not enough: a response that waits behind another one
 * on its connection (pipelining) has no connection yet, and gets no event when the connection is cut off; and a cancelled
 * stream of HTTP/2 has the same events and properties as one that was sent.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Responses that wait behind others, by connection. They share one listener, since a client may pipeline any number of requests. */
const waiting = new WeakMap<Socket, Set<() => void>>();

/** @param over called once; its argument tells whether the whole response was sent */
export function whenOver(request: IncomingMessage, response: ServerResponse, over: (sent: boolean) => void): void {
  let finished = false;
  let isOver = false;
  const end = (sent: boolean): void => {
    if (isOver) return;
    isOver = true;
    over(sent);
  };
  // mounted behind a slow middleware, while the client went away: 'close' was emitted before
  if (isGone(response)) {
    end(false);
    return;
  }
  // `writableFinished` at 'close' would not do: responses of fastify's inject() never have it
  response.once('finish', () => {
    finished = response.writableEnded;
  });
  const { socket } = request;
  // undefined for a stream of HTTP/2 that is over; and requests that a test or a function runtime constructs may have no
  // connection at all
  if (response.socket !== null || typeof socket?.once !== 'function') {
    response.once('close', () => end(finished && !wasCancelled(response)));
    return;
  }
  const cutOff = (): void => end(false);
  const others = waiting.get(socket) ?? waitingOn(socket);
  others.add(cutOff);
  response.once('close', () => {
    others.delete(cutOff);
    end(finished);
  });
}

function waitingOn(socket: Socket): Set<() => void> {
  const responses = new Set<() => void>();
  waiting.set(socket, responses);
  socket.once('close', () => {
    for (const cutOff of responses) cutOff();
    responses.clear();
  });
  return responses;
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
