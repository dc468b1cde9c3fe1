import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { ListenError } from './listen-error.js';

/**
 * Removes the socket file of a server that died without doing so; a killed server cannot, and the file alone would keep
 * every later one from starting. Who is alive is asked by connecting.
 *
 * @throws ListenError EADDRINUSE when a server answers there, or when the file is no socket, and so none of ours.
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
  // Between the question and here another starting server may have replaced the file with its own.
  const now = await lstat(socketPath).catch(() => undefined);
  if (now?.ino === found.ino && now.dev === found.dev) await unlink(socketPath);
}

/** Only a refused connection proves that nobody listens; a full backlog (EAGAIN) or no permission does not. */
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
