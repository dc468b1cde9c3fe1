/**
 * HTTP server metrics, for node:http and for the frameworks on top of it. They are counted when a response is over,
 * whichever way: sent, or cut off by the client (499, as nginx has it).
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { describeError, PromMultiprocError } from '../errors.js';
import { Counter } from '../instruments/counter.js';
import { Gauge } from '../instruments/gauge.js';
import { Histogram } from '../instruments/histogram.js';
import type { Registry } from '../registry/registry.js';
import {
  type FastifyPlugin,
  fastifyPlugin,
  type HonoMiddleware,
  honoMiddleware,
  type KoaMiddleware,
  koaMiddleware,
} from './frameworks.js';
import { sayOnce } from '../said-once.js';
import { type LabelNames, labelNamesOf, type LabelPreset } from './label-names.js';
import { type PathRule, PathNormalizer } from './path-normalizer.js';

export interface HttpMetricsOptions {
  /** Default: the default registry. */
  readonly registers?: Registry<any>[];
  /** Stands before the names of the metrics. Default none. */
  readonly prefix?: string;
  /** Names of the labels: a preset after another library, or names one by one. Default method, route, status_code. */
  readonly labels?: LabelPreset | Partial<LabelNames>;
  /** Upper bounds of the durations, in seconds. Default prom-client's: 5 ms to 10 s. */
  readonly buckets?: readonly number[];
  /** Adds `http_request_size_bytes`: bodies, by Content-Length. Default false. */
  readonly requestSize?: boolean;
  /** Adds `http_response_size_bytes`: bodies by Content-Length, where there is none all bytes sent. Default false. */
  readonly responseSize?: boolean;
  /** Upper bounds of the sizes, in bytes. Default 100 B to 100 MB by powers of ten. */
  readonly sizeBuckets?: readonly number[];
  /** Makes `2xx` of 204, and so on. Default false. */
  readonly groupStatus?: boolean;
  /**
   * How a path becomes a label where the framework has no route for it: rules for its segments, or a function. Results
   * beyond `maxPaths` are `:other`, a function's too.
   */
  readonly normalizePath?: readonly PathRule[] | ((path: string, request: IncomingMessage) => string);
  /** Most paths without a route. Default 100. */
  readonly maxPaths?: number;
  /** Paths that are not counted: as they are, or by pattern. */
  readonly exclude?: readonly (string | RegExp)[];
  /** The path of the metrics themselves, which is not counted. Default /metrics; false: it is counted too. */
  readonly metricsPath?: string | false;
  /** Further labels: name to what their value is when the response is over. Mind that there are few values. */
  readonly customLabels?: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => string>>;
}

/** What is handed out for mounting. */
export interface HttpMetrics {
  /** Connect's shape, for Express and Nest: `app.use(metrics.middleware)`, before the routes. */
  readonly middleware: (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;
  /** node:http: counts all requests of a server. */
  attach(server: Server): void;
  /** `fastify.register(metrics.fastify)` */
  readonly fastify: FastifyPlugin;
  /** `app.use(metrics.koa)` */
  readonly koa: KoaMiddleware;
  /** `app.use(metrics.hono)`, on @hono/node-server. */
  readonly hono: HonoMiddleware;
  /** For anything else: counts one request. `routeOf` is asked when the response is over. */
  track(request: IncomingMessage, response: ServerResponse, routeOf?: () => string | undefined): void;
}

/** Any other method is an attacker's to choose, and counts as OTHER. RFC 9110, 9.1; RFC 5789. */
const METHODS: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
]);
const CLIENT_WENT_AWAY = 499;
const SIZE_BUCKETS = [100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/**
 * Makes the metrics `http_requests_total`, `http_request_duration_seconds` and `http_requests_in_progress`, and what
 * mounts them.
 *
 * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where a custom label has the name of another
 */
export function httpMetrics(options: HttpMetricsOptions = {}): HttpMetrics {
  const { prefix = '', registers, groupStatus = false, customLabels = {} } = options;
  const names = labelNamesOf(options.labels);
  const customNames = Object.keys(customLabels);
  const customValues = Object.values(customLabels);
  const labelNames = [names.method, names.route, names.status, ...customNames];
  if (new Set(labelNames).size < labelNames.length) {
    throw new PromMultiprocError('ERR_INVALID_ARGUMENT', `the labels ${labelNames.join(', ')} are not all different`);
  }
  const shared = { labelNames, ...(registers === undefined ? {} : { registers }) };
  const requests = new Counter({ ...shared, name: `${prefix}http_requests_total`, help: 'HTTP requests answered.' });
  const duration = new Histogram({
    ...shared,
    name: `${prefix}http_request_duration_seconds`,
    help: 'Time from the arrival of an HTTP request to the end of its response.',
    ...(options.buckets === undefined ? {} : { buckets: [...options.buckets] }),
  });
  const inProgress = new Gauge({
    ...shared,
    labelNames: [names.method],
    name: `${prefix}http_requests_in_progress`,
    help: 'HTTP requests under way.',
    multiprocessMode: 'livesum',
  });
  const sizes = (wanted: boolean | undefined, what: 'request' | 'response'): Histogram | undefined =>
    wanted === true
      ? new Histogram({
          ...shared,
          name: `${prefix}http_${what}_size_bytes`,
          help: `Size of HTTP ${what} bodies.`,
          buckets: [...(options.sizeBuckets ?? SIZE_BUCKETS)],
        })
      : undefined;
  const requestSize = sizes(options.requestSize, 'request');
  const responseSize = sizes(options.responseSize, 'response');
  const isExcluded = exclusion(options);
  const pathOf = pathNaming(options);

  function track(request: IncomingMessage, response: ServerResponse, routeOf?: () => string | undefined): void {
    const url = request.url ?? '/';
    if (isExcluded(url)) return;
    const start = performance.now();
    const method = METHODS.has(request.method ?? '') ? request.method! : 'OTHER';
    const sentBefore = responseSize === undefined ? 0 : (request.socket.bytesWritten ?? 0);
    const running = inProgress.labels(method);
    running.inc();
    response.once('close', () => {
      const seconds = (performance.now() - start) / 1000;
      running.dec();
      try {
        count(seconds);
      } catch (error) {
        sayOnce('http metrics', `a request is not counted: ${describeError(error)}`);
      }
    });
    const count = (seconds: number): void => {
      const status = response.writableFinished ? response.statusCode : CLIENT_WENT_AWAY;
      const values = [
        method,
        routeOf?.() ?? pathOf(url, request),
        groupStatus ? `${Math.floor(status / 100)}xx` : String(status),
        ...customValues.map((valueOf) => valueOf(request, response)),
      ];
      requests.labels(...values).inc();
      duration.labels(...values).observe(seconds);
      requestSize?.labels(...values).observe(Number(request.headers['content-length'] ?? 0));
      responseSize?.labels(...values).observe(sizeOf(request, response, sentBefore));
    };
  }

  return {
    track,
    middleware(request, response, next) {
      track(request, response, () => expressRoute(request));
      next();
    },
    attach(server) {
      server.prependListener('request', (request, response) => track(request, response));
    },
    fastify: fastifyPlugin(track),
    koa: koaMiddleware(track),
    hono: honoMiddleware(track),
  };
}

/** Express, and Nest on it, set `route` once one matches; `baseUrl` is where its router is mounted. */
function expressRoute(request: IncomingMessage & { baseUrl?: string; route?: { path?: unknown } }): string | undefined {
  const path = request.route?.path;
  return typeof path === 'string' ? (request.baseUrl ?? '') + path || '/' : undefined;
}

function sizeOf(request: IncomingMessage, response: ServerResponse, sentBefore: number): number {
  const length = Number(response.getHeader('content-length'));
  if (Number.isFinite(length)) return length;
  return Math.max(0, (request.socket.bytesWritten ?? 0) - sentBefore);
}

function exclusion({ exclude = [], metricsPath = '/metrics' }: HttpMetricsOptions): (url: string) => boolean {
  const paths = new Set(exclude.filter((rule): rule is string => typeof rule === 'string'));
  const patterns = exclude.filter((rule): rule is RegExp => rule instanceof RegExp);
  if (metricsPath !== false) paths.add(metricsPath);
  return (url) => {
    const query = url.indexOf('?');
    const path = query < 0 ? url : url.slice(0, query);
    return paths.has(path) || patterns.some((pattern) => pattern.test(path));
  };
}

function pathNaming({
  normalizePath,
  maxPaths = 100,
}: HttpMetricsOptions): (url: string, request: IncomingMessage) => string {
  if (typeof normalizePath !== 'function') {
    const normalizer = new PathNormalizer(normalizePath, maxPaths);
    return (url) => normalizer.normalize(url);
  }
  // what a function says is taken as it is, but not without end
  const bound = new PathNormalizer([], maxPaths);
  return (url, request) => bound.admit(normalizePath(url, request));
}
