import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { sendText } from '../answer/plain-text.js';
import { isOver } from '../answer/response-over.js';
import type { OnWarning } from '../warning.js';
import { Authenticator, type ComparePassword } from './basic-auth.js';
import { BcryptCheck } from './bcrypt-check.js';
import { TokenBucket } from './rate-limit.js';
import { LiveWebConfig } from './reload.js';
import { TlsFront } from './tls-front.js';
import type { WebConfig } from './web-config.js';

export interface GateOptions {
  /** The web configuration file. */
  readonly file: string;
  readonly onWarning: OnWarning;
  /** Called with each connection that is ready for HTTP, after the TLS handshake if there is TLS. */
  readonly speakHttp: (socket: Socket) => void;
  /** Default: bcrypt in a thread. */
  readonly comparePassword?: ComparePassword;
}

/** One version of the configuration, with the objects that enforce it. */
interface Guards {
  readonly config: WebConfig;
  readonly tls?: TlsFront;
  readonly bucket?: TokenBucket;
  readonly authenticator: Authenticator;
}

/** Admits the connections and requests that the current web configuration file allows, and refuses the others. */
export class Gate {
  readonly scheme: 'http' | 'https';
  readonly #bcrypt = new BcryptCheck();
  /** The TLS front, and so the version of the configuration, that accepted a connection. */
  readonly #cameBy = new WeakMap<Socket, TlsFront>();
  #guards: Guards;

  private constructor(
    private readonly live: LiveWebConfig,
    first: WebConfig,
    private readonly options: GateOptions,
  ) {
    this.scheme = first.tls === undefined ? 'http' : 'https';
    this.#guards = this.#guardsFor(first);
  }

  /** @throws WebConfigError where the file cannot be read or breaks a rule */
  static async open(options: GateOptions): Promise<Gate> {
    const live = await LiveWebConfig.open(options.file, options.onWarning);
    return new Gate(live, await live.now(), options);
  }

  /** Makes the TLS handshake of an accepted connection by the current file, and then hands the connection to HTTP. */
  accept(socket: Socket): void {
    if (this.scheme === 'http') return this.options.speakHttp(socket);
    // The socket has no other listener yet, and an 'error' event without a listener ends the process.
    socket.on('error', () => socket.destroy());
    this.#current().then(
      ({ tls }) => {
        if (!socket.destroyed) tls!.accept(socket);
      },
      () => socket.destroy(),
    );
  }

  /** Whether to serve the request. Where false, the response has been sent already. */
  async admit(req: IncomingMessage, res: ServerResponse): Promise<boolean> {
    const { config, tls, bucket, authenticator } = await this.#current();
    if (isOver(req, res)) return false;
    for (const [name, value] of config.headers) res.setHeader(name, value);
    // An older version accepted this connection: the client has to connect again, under the current rules for certificates.
    if (this.#cameBy.get(req.socket) !== tls) res.setHeader('Connection', 'close');

    // As in the toolkit the limit comes first: it also limits how fast a client can guess passwords.
    const waitMs = bucket?.take() ?? 0;
    if (waitMs > 0) {
      sendText(res, 429, 'Too many requests.', { 'Retry-After': Math.ceil(waitMs / 1000) });
      return false;
    }
    const verdict = await authenticator.judge(req.headers.authorization, req.socket.remoteAddress);
    if (verdict === 'denied') {
      sendText(res, 401, 'Unauthorized.', { 'WWW-Authenticate': 'Basic realm="metrics", charset="UTF-8"' });
    } else if (verdict === 'busy') {
      sendText(res, 503, 'Too many passwords wait to be checked. Try again later.', { 'Retry-After': '5' });
    }
    return verdict === 'admitted';
  }

  async close(): Promise<void> {
    await this.#bcrypt.close();
  }

  async #current(): Promise<Guards> {
    const config = await this.live.now();
    if (config !== this.#guards.config) this.#guards = this.#guardsFor(config, this.#guards);
    return this.#guards;
  }

  #guardsFor(config: WebConfig, before?: Guards): Guards {
    const { tls: settings, rateLimit, users } = config;
    const compare =
      this.options.comparePassword ?? ((password, hash, lane) => this.#bcrypt.compare(password, hash, lane));
    const tls =
      settings &&
      new TlsFront(settings, (socket) => {
        this.#cameBy.set(socket, tls!);
        this.options.speakHttp(socket);
      });
    return {
      config,
      tls,
      bucket: rateLimit && bucketFor(rateLimit, before?.bucket),
      authenticator: new Authenticator(users, compare, before?.authenticator),
    };
  }
}

/** Keeps the bucket where the limit did not change: a reload for another reason must not refill it. */
function bucketFor(limit: NonNullable<WebConfig['rateLimit']>, before: TokenBucket | undefined): TokenBucket {
  const same = before?.limit.intervalMs === limit.intervalMs && before.limit.burst === limit.burst;
  return same ? before : new TokenBucket(limit);
}
