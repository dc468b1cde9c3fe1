import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describeError } from '../../errors.js';
import { defaultSource } from '../answer/default-source.js';
import { metricsHandler, type MetricsHandlerOptions } from '../answer/handler.js';
import { landingPage, type LandingText } from './landing-page.js';
import { listen, reachableUrl, type ListenAddress } from './listen.js';
import { OpenConnections } from './open-connections.js';
import { limit, milliseconds, refuseOption, wholeNumber } from '../option-rules.js';
import { sendText } from '../answer/plain-text.js';
import { isOver } from '../answer/response-over.js';
import { probeOf } from './probes.js';
import { checkRoutePath, requestPath, type Route } from './route.js';
import { hasStatus, statusRoutes } from '../status/status-page.js';
import { StatusHistory } from '../status/status-history.js';
import { emitWarning, type OnWarning, warnOnce } from '../warning.js';

export interface HttpServerOptions extends MetricsHandlerOptions {
  /** Default 9464; 0 for any free port. */
  readonly port?: number;
  /** Default 127.0.0.1, which other hosts cannot reach; `::` or `0.0.0.0` for every interface. */
  readonly host?: string;
  /** A unix socket to listen on in place of host and port; at most 107 bytes (103 on macOS). */
  readonly socketPath?: string;
  /** A listening socket that this process has inherited, in place of host and port: systemd's first one is 3. */
  readonly fd?: number;
  /** The path of the metrics. Default `/metrics`. */
  readonly path?: string;
  /** Further paths, under the same authentication. The landing page shows those that have a `link`. */
  readonly routes?: readonly Route[];
  /**
   * Whether there is a live page at `/status`, under the same authentication. Default: true where the source is a
   * MultiprocessCollector or the default source; other sources have no status to show.
   */
  readonly status?: boolean;
  /** Texts of the landing page at `/`. */
  readonly landing?: LandingText;
  /**
   * A web configuration file in the format of Prometheus' exporter-toolkit: TLS, basic authentication, response headers,
   * rate limit. It is read again when it changes, or when a file that it names changes.
   */
  readonly webConfigFile?: string;
  /** Maximum time for a request's header to arrive, in milliseconds. Default 10,000. */
  readonly headersTimeoutMs?: number;
  /** Maximum time for a whole request to arrive, in milliseconds. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** Time after which an idle connection is closed, in milliseconds. Default 75,000: longer than a scrape interval of a minute. */
  readonly keepAliveTimeoutMs?: number;
  /** Maximum size of a request's header in bytes; a larger one gets status 431. Default 16,384. */
  readonly maxHeaderBytes?: number;
  /** Maximum number of open connections; further ones are closed without a response. Default Infinity. */
  readonly maxConnections?: number;
  /** How long `close()` waits for responses in progress, in milliseconds. Default 10,000. */
  readonly closeTimeoutMs?: number;
  /** Whether the process may end while the server listens. Default false. */
  readonly unref?: boolean;
  /** Called with each warning for the operator, such as a bad new web configuration file. Default: a process warning. */
  readonly onWarning?: OnWarning;
}

export interface RunningServer {
  /** The result of node:net's `server.address()`: address, family and port, or the path of a unix socket. */
  readonly address: AddressInfo | string;
  /** A URL that reaches the server from this host: `http://127.0.0.1:9464`, `https://[::1]:9464`, `unix:/run/app/metrics.sock`. */
  readonly url: string;
  /** Stops accepting connections, finishes responses in progress, closes idle connections. Further calls wait for the same end. */
  close(): Promise<void>;
}

/**
 * Starts a server for the metrics and a landing page.
 *
 * @throws PromMultiprocError ERR_INVALID_ARGUMENT for an option, ERR_WEB_CONFIG for the web configuration file.
 * @throws ListenError where the address is in use or not available; `code` is the system's, such as EADDRINUSE.
 */
export async function startHttpServer(options: HttpServerOptions = {}): Promise<RunningServer> {
  const where = listenAddress(options);
  const limits = connectionLimits(options);
  const closeTimeoutMs = milliseconds('closeTimeoutMs', options.closeTimeoutMs, 10_000);
  const { onWarning = emitWarning, unref = false } = options;
  const status = statusOf(options, onWarning);
  const table = routeTable(options, status?.routes);
  const dispatch = dispatcher(table, onWarning);
  let closed: Promise<void> | undefined;

  const server = createServer(limits.http);
  server.maxConnections = limits.maxConnections;
  const connections = new OpenConnections(server, unref);

  // Node's own listener moves behind the gate, which decides for each connection which TLS settings it gets. It stays one
  // server, the one that listens, because Node's timeouts for slow clients run for listening servers only.
  const [nodesListener] = server.listeners('connection');
  const speakHttp = (socket: Socket): void => {
    connections.speaking(socket);
    nodesListener.call(server, socket);
  };
  const gate = await openGate(options.webConfigFile, onWarning, speakHttp);
  server.removeAllListeners('connection');
  server.on('connection', (socket) => {
    connections.accepted(socket);
    if (gate === undefined) speakHttp(socket);
    else gate.accept(socket);
  });

  server.on('request', (req, res) => {
    connections.began(req, res);
    const path = requestPath(req.url ?? '');
    const probe = table.has(path ?? '') ? undefined : probeOf(path, closed !== undefined);
    if (probe !== undefined) return probe(req, res);
    if (gate === undefined) return dispatch(req, res);
    gate.admit(req, res).then(
      (admitted) => {
        if (admitted && !isOver(req, res)) dispatch(req, res);
      },
      () => sendText(res, 500, 'The request could not be authenticated.'),
    );
  });

  try {
    await listen(server, where);
  } catch (error) {
    await gate?.close();
    throw error;
  }
  // Accepting connections can fail later, for example without free descriptors. The application must not die of that.
  server.on('error', (error) => onWarning(`the metrics server: ${error.message}`));
  if (unref) server.unref();

  status?.history.start();
  const address = server.address()!;
  return {
    address,
    url: reachableUrl(gate?.scheme ?? 'http', address),
    close: () => {
      status?.history.close();
      return (closed ??= connections.close(closeTimeoutMs).then(() => gate?.close()));
    },
  };
}

/** Loaded only where there is a file: other applications need neither YAML nor bcrypt. */
async function openGate(file: string | undefined, onWarning: OnWarning, speakHttp: (socket: Socket) => void) {
  if (file === undefined) return undefined;
  const { Gate } = await import('../web-config/gate.js');
  return Gate.open({ file, onWarning, speakHttp });
}

function listenAddress({ port, host, socketPath, fd }: HttpServerOptions): ListenAddress {
  if (fd !== undefined) {
    if (!Number.isSafeInteger(fd) || fd < 0) refuseOption('fd', fd, 'give the number of a descriptor');
    if (port !== undefined || host !== undefined || socketPath !== undefined) {
      refuseOption('fd', fd, 'give either an inherited socket or an address');
    }
    return { fd };
  }
  if (socketPath === undefined) {
    if (port !== undefined && (!Number.isInteger(port) || port < 0 || port > 65_535)) {
      refuseOption('port', port, 'give a whole number, 0 to 65535');
    }
    if (host !== undefined && (typeof host !== 'string' || host === '')) {
      refuseOption('host', host, 'give an IP address or a host name; "::" is every interface');
    }
    return { host: (host ?? '127.0.0.1').replace(/^\[(.*)\]$/, '$1'), port: port ?? 9464 };
  }
  if (port !== undefined || host !== undefined) {
    refuseOption('socketPath', socketPath, 'give either a unix socket or a host and port');
  }
  const longestBytes = process.platform === 'darwin' ? 103 : 107;
  const sizeBytes = Buffer.byteLength(socketPath);
  if (sizeBytes === 0 || sizeBytes > longestBytes || socketPath.includes('\0')) {
    refuseOption('socketPath', socketPath, `give a path of 1 to ${longestBytes} bytes, the system's limit for sockets`);
  }
  return { socketPath };
}

function connectionLimits(options: HttpServerOptions) {
  const requestTimeout = milliseconds('requestTimeoutMs', options.requestTimeoutMs, 30_000);
  const headersTimeout = Math.min(milliseconds('headersTimeoutMs', options.headersTimeoutMs, 10_000), requestTimeout);
  return {
    http: {
      requestTimeout,
      headersTimeout,
      // Node looks for slow clients every 30 s by default: a limit of ten seconds could then become forty.
      connectionsCheckingInterval: Math.min(1000, headersTimeout),
      keepAliveTimeout: milliseconds('keepAliveTimeoutMs', options.keepAliveTimeoutMs, 75_000),
      maxHeaderSize: wholeNumber('maxHeaderBytes', options.maxHeaderBytes, 16_384, 1024),
    },
    maxConnections: limit('maxConnections', options.maxConnections, Infinity),
  };
}

/** All paths of the server. The landing page lists the others, so it comes last. */
function routeTable(options: HttpServerOptions, status: readonly Route[] = []): Map<string, Route['handler']> {
  const { path = '/metrics', routes: further = [], landing } = options;
  checkRoutePath('path', path);
  const metrics: Route = { path, handler: metricsHandler(options), link: { text: 'Metrics' } };
  const routes = [metrics, ...status, ...further];
  const table = new Map<string, Route['handler']>();
  for (const route of routes) {
    checkRoutePath('routes', route.path);
    if (table.has(route.path)) refuseOption('routes', route.path, 'give every path once');
    table.set(route.path, route.handler);
  }
  if (!table.has('/')) table.set('/', landingPage(routes, landing));
  return table;
}

/** The status page and its history, unless the page is turned off or the user has a route of that path. */
function statusOf(options: HttpServerOptions, onWarning: OnWarning) {
  const { source = defaultSource, path = '/metrics', routes = [], status = true, onError } = options;
  if (typeof status !== 'boolean') refuseOption('status', status, 'give true or false');
  const isTaken = [path, ...routes.map((route) => route.path)].some((taken) => `${taken}/`.startsWith('/status/'));
  if (!status || isTaken || !hasStatus(source)) return undefined;
  const history = new StatusHistory((charts) => source.status(charts, { isBackground: true }));
  const onFailure = onError ?? warnOnce('the status could not be read', onWarning);
  return { history, routes: statusRoutes(source, history, onFailure) };
}

function dispatcher(table: ReadonlyMap<string, Route['handler']>, onWarning: OnWarning): Route['handler'] {
  return (req: IncomingMessage, res: ServerResponse) => {
    const path = requestPath(req.url ?? '');
    if (path === undefined) return sendText(res, 400, 'Such paths are refused; name the page as it is written.');
    const handler = table.get(path);
    if (handler !== undefined) {
      try {
        handler(req, res);
      } catch (error) {
        onWarning(`the page ${path} failed: ${describeError(error)}`);
        sendText(res, 500, 'The page could not be made; the reason is in the log.');
      }
    } else sendText(res, 404, 'There is no such page; the landing page at / lists them.');
  };
}
