import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { ListenError } from './listen-error.js';

/**
 * Removes the socket file of a dead server: a killed server cannot remove it, and the file would keep every later server from
 * starting. Connecting to it tells whether a server is alive.
 *
 * @throws ListenError EADDRINUSE where a server accepts the connection, or where the file is not a socket, and so not ours.
 */
export async function freeStaleSocket(socketPath: string): Promise<void> {
  const found = await lstat(socketPath).catch(() => undefined);
  if (found === undefined) return;
  const name = JSON.stringify(socketPath);
  if (!found.isSocket()) {
    throw new ListenError('EADDRINUSE', `${name} exists and is not a socket; give another socketPath or remove it`);
  }
  if (await isAnswered(socketPath)) {
    throw new ListenError(
      'EADDRINUSE',
      `a living server listens on ${name}; stop it (\`ss -lxp\` names it) or give another socketPath`,
    );
  }
  // since the connection was tried, another server that starts may have replaced the file
  const now = await lstat(socketPath).catch(() => undefined);
  if (now?.ino === found.ino && now.dev === found.dev) await unlink(socketPath);
}

/** Only a refused connection proves that no server listens; a full backlog (EAGAIN) or a missing permission does not. */
function isAnswered(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path: socketPath });
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code !== 'ECONNREFUSED' && code !== 'ENOENT'));
  });
}
