/** Handles failed writes to the standard output and the standard error. */
import { describeError } from '../errors.js';

/**
 * Without a listener a failed write ends the process with a stack trace. Where the reader closes the pipe, as `head` does, the
 * command ends without an error; on a full disk it ends with exit code 1. A server continues in both cases.
 */
export function outliveUnreadOutput(isServer: boolean): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (isServer) return;
    if (error.code !== 'EPIPE') {
      process.stderr.write(`prom-multiproc: the output cannot be written: ${describeError(error)}\n`);
      process.exitCode = 1;
    }
    // exits with the code that the command has set so far
    process.exit();
  });
}
