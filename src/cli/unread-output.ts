/** What becomes of a command that nobody reads, or whose output has no room. */
import { describeError } from '../errors.js';

/**
 * Without a listener a failed write ends the process with a stack. A reader that has seen enough, as `head` has, ends the
 * command well; a full disk ends it with 1. A server goes on in both cases: it was not started for its log.
 */
export function outliveUnreadOutput(isServer: boolean): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (isServer) return;
    if (error.code !== 'EPIPE') {
      process.stderr.write(`prom-multiproc: the output cannot be written: ${describeError(error)}\n`);
      process.exitCode = 1;
    }
    // with the code that the command has found until now
    process.exit();
  });
}
