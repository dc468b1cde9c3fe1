/**
 * When a response is over, whichever way. A listener for 'close' is not enough: what waits behind another response on its
 * connection (pipelining) has no connection yet, and hears nothing when that is cut off; and a cancelled stream of HTTP/2
 * is finished and closed as one that was sent is.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Responses that wait for their turn, by connection: one listener for all, for a client may send any number at once. */
const waiting = new WeakMap<Socket, Set<() => void>>();

/** @param over called once, with whether the response was sent as a whole */
export function whenOver(request: IncomingMessage, response: ServerResponse, over: (sent: boolean) => void): void {
  let finished = false;
  let isOver = false;
  const end = (sent: boolean): void => {
    if (isOver) return;
    isOver = true;
    over(sent);
  };
  // mounted behind something slow, while the client went away: 'close' has been
  if (isGone(response)) {
    end(false);
    return;
  }
  // not `writableFinished` at 'close': the responses of fastify's inject() never have that
  response.once('finish', () => {
    finished = response.writableEnded;
  });
  const { socket } = request;
  // a stream of HTTP/2 has undefined there once it is over; and requests that a test or a function's runtime makes up may
  // have no connection at all
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

/** What responses of HTTP/2 have beside those of HTTP/1. */
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
