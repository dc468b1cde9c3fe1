import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { AddressInfo, Server } from 'node:net';
import { dirname } from 'node:path';
import { ListenError } from './listen-error.js';
import { freeStaleSocket } from './unix-socket.js';

/** Where a server listens: an address and port, or a unix socket. */
export type ListenAddress =
  | { readonly host: string; readonly port: number }
  | { readonly socketPath: string }
  | { readonly fd: number };

/** How many connections may wait to be accepted; the kernel lowers it to its own limit (somaxconn, 4096 on Linux). */
const BACKLOG = 4096;

/** Errors of binding to `::` on a host whose kernel has no IPv6. «Every interface» then means every IPv4 interface. */
const WITHOUT_IPV6: ReadonlySet<string | undefined> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL']);

/** Listens; the socket file of a dead server is replaced. @throws ListenError */
export async function listen(server: Server, where: ListenAddress): Promise<void> {
  if ('socketPath' in where) await freeStaleSocket(where.socketPath);
  try {
    await listening(server, where).catch((error: NodeJS.ErrnoException) => {
      const everywhere = 'host' in where && where.host === '::';
      if (!everywhere || !WITHOUT_IPV6.has(error.code)) throw error;
      return listening(server, { ...where, host: '0.0.0.0' });
    });
  } catch (error) {
    const { code = 'UNKNOWN' } = error as NodeJS.ErrnoException;
    throw new ListenError(code, explain(code, where, error as Error), { cause: error });
  }
}

function listening(server: Server, where: ListenAddress): Promise<unknown> {
  const address = 'socketPath' in where ? { path: where.socketPath } : where;
  server.listen({ ...address, backlog: BACKLOG });
  // rejects where an 'error' event comes first
  return once(server, 'listening');
}

function explain(code: string, where: ListenAddress, error: Error): string {
  if ('fd' in where) return `cannot listen on the inherited descriptor ${where.fd}: ${error.message}`;
  if ('socketPath' in where) {
    const cannot = `cannot listen on the unix socket ${JSON.stringify(where.socketPath)}`;
    // libuv reports the system's ENOENT as EACCES here
    if (!existsSync(dirname(where.socketPath))) return `${cannot}: its directory does not exist; create it first`;
    if (code === 'EACCES') return `${cannot}: this user may not create files in its directory`;
    return `${cannot}: ${error.message}`;
  }
  const { host, port } = where;
  const cannot = `cannot listen on ${hostAndPort(host, port)}`;
  switch (code) {
    case 'EADDRINUSE':
      return (
        `${cannot}: another server has it. Stop that one (\`ss -ltnp 'sport = :${port}'\` names it), ` +
        'or give another port; port 0 takes any free one'
      );
    case 'EACCES':
      return `${cannot}: this user may not use that port; those below 1024 need CAP_NET_BIND_SERVICE`;
    case 'EADDRNOTAVAIL':
      return `${cannot}: the address is not one of this host's; 127.0.0.1, ::1, 0.0.0.0 and :: always are`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `${cannot}: the host name is not known; give an IP address`;
    default:
      return `${cannot}: ${error.message}`;
  }
}

/** `127.0.0.1:9464`, `[::1]:9464`. */
function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The URL that reaches a listening server from this host. A unix socket has none in HTTP: `unix:` and its path. */
export function reachableUrl(scheme: 'http' | 'https', address: AddressInfo | string): string {
  if (typeof address === 'string') return `unix:${address}`;
  const host = { '0.0.0.0': '127.0.0.1', '::': '::1' }[address.address] ?? address.address;
  return `${scheme}://${hostAndPort(host, address.port)}`;
}
