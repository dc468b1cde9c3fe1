import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { subjectAlternativeNames } from './client-san.js';
import type { TlsSettings } from './tls-server-config.js';

/** The connection of a client whose TLS handshake takes longer is closed. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * TLS with one version of the configuration. It does not listen: the gate hands each accepted socket to the front of the
 * current version, because a listening server of Node cannot change its rules for client certificates.
 *
 * It offers only HTTP/1.1 (by ALPN; every HTTP/2 client adapts to it): Prometheus scrapes one page over one connection, which
 * HTTP/2 does not make faster, and the streams and the flow control of HTTP/2 make floods of requests possible.
 */
export class TlsFront {
  readonly #server: Server;

  constructor(
    private readonly settings: TlsSettings,
    onSecure: (socket: TLSSocket) => void,
  ) {
    const { clientAuth } = settings;
    this.#server = createServer({
      ...settings,
      ca: settings.clientCa,
      requestCert: clientAuth.asked,
      // Node's switch joins 'required' and 'verified', so it fits only one row of CLIENT_AUTH; #isWelcome checks both.
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      // A resumed session has no client certificate to check, so that every connection has to make a full handshake.
      ...(clientAuth.asked && { secureOptions: constants.SSL_OP_NO_TICKET }),
    });
    this.#server.on('secureConnection', (socket) => {
      if (this.#isWelcome(socket)) onSecure(socket);
      else socket.destroy();
    });
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  /** Takes over an accepted socket and the bytes that have already arrived on it. */
  accept(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  #isWelcome(socket: TLSSocket): boolean {
    const { clientAuth, clientAllowedSans } = this.settings;
    const certificate = clientAuth.asked ? socket.getPeerX509Certificate() : undefined;
    if (certificate === undefined) return !clientAuth.required;
    if (clientAuth.verified && !socket.authorized) return false;
    if (clientAllowedSans === undefined) return true;
    return subjectAlternativeNames(certificate).some((name) => clientAllowedSans.has(name));
  }
}
