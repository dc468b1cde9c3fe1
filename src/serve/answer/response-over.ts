import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Each socket has one 'close' listener for all its pipelined requests, because Node warns beyond ten listeners. */
const waitingOn = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls the callback once, when the response is over: sent, or its client gone.
 *
 * The response's own 'close' event is not enough: a pipelined response that still waits for its turn gets none when the
 * socket closes (only 1 of 5 got it on Node 20 and 22; on 24 and 26 all did), and would keep its place for ever.
 *
 * @returns a function that cancels the callback
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

/** Whether the response is over or the client is gone. */
export function isOver(req: IncomingMessage, res: ServerResponse): boolean {
  return res.destroyed || res.writableEnded || req.socket.destroyed;
}
