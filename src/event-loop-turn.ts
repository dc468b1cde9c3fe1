import { MessageChannel } from 'node:worker_threads';

/**
 * Lets the event loop turn once. `setImmediate` would be the usual way, but tests of applications replace it: with their
 * fake timers it never fires, and a caller would wait for the metrics for ever. A message costs 5 µs more.
 *
 * @param keepsAlive whether the process waits for the turn before it ends by itself
 */
export function eventLoopTurn(keepsAlive = true): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.once('message', () => {
      port1.close();
      resolve();
    });
    if (!keepsAlive) port1.unref();
    port2.postMessage(undefined);
  });
}
