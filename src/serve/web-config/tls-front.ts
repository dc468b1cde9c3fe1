import { constants } from 'node:crypto';
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { subjectAlternativeNames } from './client-san.js';
import type { TlsSettings } from './tls-server-config.js';

/** Milliseconds for a TLS handshake; a client that takes longer is dropped. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * TLS with one configuration. It does not listen: accepted sockets are handed to it, each to the front of the day, since
 * what a listening server of Node asks of client certificates cannot be changed.
 *
 * Only HTTP/1.1 is offered (by ALPN, to which every HTTP/2 client adapts): Prometheus scrapes one page over one
 * connection, which HTTP/2 makes no faster, while its streams and flow control are a way in for floods.
 */
export class TlsFront {
  readonly #server: Server;

  constructor(
    private readonly settings: TlsSettings,
    onSecure: (socket: TLSSocket) => void,
  ) {
    const { clientAuth } = settings;
    this.#server = createServer({
      cert: settings.cert,
      key: settings.key,
      ca: settings.clientCa,
      minVersion: settings.minVersion,
      maxVersion: settings.maxVersion,
      ...(settings.ciphers !== undefined && { ciphers: settings.ciphers }),
      ...(settings.ecdhCurve !== undefined && { ecdhCurve: settings.ecdhCurve }),
      honorCipherOrder: settings.honorCipherOrder,
      requestCert: clientAuth.asked,
      // With the two halves apart ('required' and 'verified'), Node's own switch fits one row only; see isWelcome.
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      // A resumed session would bring no certificate to look at; each connection shows its own.
      ...(clientAuth.asked && { secureOptions: constants.SSL_OP_NO_TICKET }),
    });
    this.#server.on('secureConnection', (socket) => {
      if (this.#isWelcome(socket)) onSecure(socket);
      else socket.destroy();
    });
    this.#server.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  /** Takes over an accepted socket, bytes that have already arrived on it included. */
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
