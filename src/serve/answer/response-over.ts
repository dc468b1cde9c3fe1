import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** One 'close' listener a socket, however many requests are pipelined on it (Node warns beyond ten listeners). */
const waitingOn = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls back once, when the response is over: sent, or its client gone.
 *
 * The response's own 'close' event is not enough: a pipelined response that still waits for its turn gets none when the
 * socket dies (1 of 5 on Node 20 and 22; 24 and 26 emit all), and would hold its place for ever.
 *
 * @returns takes the callback back.
 */
export function onceOver(req: IncomingMessage, res: ServerResponse, callback: () => void): () => void {
  const { socket } = req;
  let waiting = waitingOn.get(socket);
  if (waiting === undefined) {
    const mine = new Set<() => void>();
    socket.once('close', () => {
      for (const over of mine) over();
    });
    waitingOn.set(socket, mine);
    waiting = mine;
  }
  const callbacks = waiting;
  const over = (): void => {
    if (callbacks.delete(over)) callback();
  };
  callbacks.add(over);
  res.once('close', over);
  return () => {
    callbacks.delete(over);
    res.removeListener('close', over);
  };
}

/** Whether there is nobody left to answer. */
export function isOver(req: IncomingMessage, res: ServerResponse): boolean {
  return res.destroyed || res.writableEnded || req.socket.destroyed;
}
