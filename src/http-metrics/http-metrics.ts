/**
 * HTTP server metrics, for node:http and for the frameworks on top of it. A request is counted when its response is over:
 * sent, or cut off by the client (then its status is 499, as in nginx).
 */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Http2SecureServer, Http2Server } from 'node:http2';
import { Server as NetServer } from 'node:net';
import { inspect } from 'node:util';
import { describeError, invalidArgument } from '../errors.js';
import { Counter } from '../instruments/counter.js';
import { Gauge, type GaugeChild } from '../instruments/gauge.js';
import { Histogram } from '../instruments/histogram.js';
import type { Registry } from '../registry/registry.js';
import { warnOnce } from '../warn-once.js';
import { countResponseBody, requestBodyBytes } from './body-size.js';
import { type ExpressRequest, ExpressRoutes } from './express-route.js';
import {
  type FastifyPlugin,
  fastifyPlugin,
  type HonoMiddleware,
  honoMiddleware,
  type KoaMiddleware,
  koaMiddleware,
} from './frameworks.js';
import { type LabelNames, labelNamesOf, type LabelPreset } from './label-names.js';
import { type PathRule, PathNormalizer, withoutQuery, withoutState } from './path-normalizer.js';
import { labelValues, RequestChildren } from './request-children.js';
import { type Pending, TrackedRequests } from './response-end.js';

export interface HttpMetricsOptions {
  /** Default: the default registry. */
  readonly registers?: Registry<any>[];
  /**
   * The counter and the histograms get exemplars: the trace and span id of the active span of OpenTelemetry, if it is
   * sampled. Default: false.
   */
  readonly exemplars?: boolean;
  /** A prefix for the names of the metrics. Default: none. */
  readonly prefix?: string;
  /** Names of the labels: a preset named after another library, or each name. Default: method, route, status_code. */
  readonly labels?: LabelPreset | Partial<LabelNames>;
  /** Upper bounds of the duration buckets, in seconds. Default: prom-client's, 5 ms to 10 s. */
  readonly buckets?: readonly number[];
  /**
   * Makes the durations and sizes native histograms too, whose buckets grow by at most 10 %. With `buckets: []` the durations
   * have no classic buckets. Default: false.
   */
  readonly nativeHistograms?: boolean;
  /** Adds `http_request_size_bytes`: size of request bodies by Content-Length, 0 without that header. Default: false. */
  readonly requestSize?: boolean;
  /** Adds `http_response_size_bytes`: size of response bodies, after compression by a middleware that is mounted later. Default: false. */
  readonly responseSize?: boolean;
  /** Upper bounds of the size buckets, in bytes. Default: 100 B to 100 MB by powers of ten. */
  readonly sizeBuckets?: readonly number[];
  /** Replaces a status by its class: 204 becomes `2xx`. Default: false. */
  readonly groupStatus?: boolean;
  /**
   * How a path without a route becomes a label value: rules for its segments, or a function. After `maxPaths` different
   * results, of rules or of a function, further ones become `:other`.
   */
  readonly normalizePath?: readonly PathRule[] | ((path: string, request: IncomingMessage) => string);
  /** Maximum number of different paths without a route. Paths that are not found (404) take at most half of it. Default: 100. */
  readonly maxPaths?: number;
  /** Paths that are not counted: exact paths or patterns. */
  readonly exclude?: readonly (string | RegExp)[];
  /** The path of the metrics endpoint, which is not counted. Default: /metrics; `false` counts it too. */
  readonly metricsPath?: string | false;
  /** Further labels: name to a function that returns the value when the response is over. Each should have few values. */
  readonly customLabels?: Readonly<Record<string, (request: IncomingMessage, response: ServerResponse) => string>>;
}

/** Returns the template of the route. @param url the whole URL of the request */
type RouteOf = (request: MountedRequest, url: string) => string | undefined;

interface Tracked extends Pending {
  routeOf: RouteOf | undefined;
}

/** Express and other frameworks that mount routers below a path keep the whole URL in `originalUrl`. */
type MountedRequest = IncomingMessage & ExpressRequest & { readonly originalUrl?: string };

interface Running {
  readonly method: string;
  readonly gauge: GaugeChild;
  requests: number;
}

/** The metrics in the form that each framework mounts. */
export interface HttpMetrics {
  /** A Connect middleware, for Express and Nest: `app.use(metrics.middleware)`, before the routes. */
  readonly middleware: (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;
  /**
   * Counts all requests of a server of node:http, node:https or node:http2. It may be combined with one of the others, which
   * know the routes: a request is counted once.
   *
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the argument is not a server
   */
  attach(server: Server | Http2Server | Http2SecureServer): void;
  /** `fastify.register(metrics.fastify)` */
  readonly fastify: FastifyPlugin;
  /** `app.use(metrics.koa)` */
  readonly koa: KoaMiddleware;
  /** `app.use(metrics.hono)`, on @hono/node-server. */
  readonly hono: HonoMiddleware;
  /** For any other framework: counts one request. `routeOf` is called when the response is over. */
  track(request: IncomingMessage, response: ServerResponse, routeOf?: () => string | undefined): void;
}

/** Clients may send any other text as a method: it counts as OTHER. RFC 9110, 9.1; RFC 5789. */
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);
const CLIENT_WENT_AWAY = 499;
/** Schema 3: the quantile of a latency is within 4.5 %. */
const NATIVE_BUCKET_FACTOR = 1.1;
const SIZE_BUCKETS = [100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/**
 * Makes the metrics `http_requests_total`, `http_request_duration_seconds` and `http_requests_in_progress`, and returns
 * them in the form that each framework mounts.
 *
 * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where a custom label has the name of another label
 */
export function httpMetrics(options: HttpMetricsOptions = {}): HttpMetrics {
  const { prefix = '', registers, groupStatus = false, customLabels = {} } = options;
  const names = labelNamesOf(options.labels);
  const customNames = Object.keys(customLabels);
  const customValues = Object.values(customLabels);
  const labelNames = [names.method, names.route, names.status, ...customNames];
  if (new Set(labelNames).size < labelNames.length) {
    throw invalidArgument(`the labels ${labelNames.join(', ')} are not all different`);
  }
  const shared = { labelNames, registers };
  const native = options.nativeHistograms === true ? { nativeHistogramBucketFactor: NATIVE_BUCKET_FACTOR } : {};
  const enableExemplars = options.exemplars === true && 'trace';
  const requests = new Counter({
    ...{ ...shared, enableExemplars },
    name: `${prefix}http_requests_total`,
    help: 'HTTP requests answered.',
  });
  const duration = new Histogram({
    ...{ ...shared, ...native, enableExemplars },
    name: `${prefix}http_request_duration_seconds`,
    help: 'Time from the arrival of an HTTP request to the end of its response.',
    buckets: options.buckets,
  });
  const inProgress = new Gauge({
    ...shared,
    labelNames: [names.method],
    name: `${prefix}http_requests_in_progress`,
    help: 'HTTP requests in progress.',
    multiprocessMode: 'livesum',
  });
  const sizes = (wanted: boolean | undefined, what: 'request' | 'response'): Histogram | undefined =>
    wanted === true
      ? new Histogram({
          ...shared,
          ...native,
          name: `${prefix}http_${what}_size_bytes`,
          help: `Size of HTTP ${what} bodies.`,
          buckets: options.sizeBuckets ?? SIZE_BUCKETS,
        })
      : undefined;
  const requestSize = sizes(options.requestSize, 'request');
  const responseSize = sizes(options.responseSize, 'response');
  const hasOnlyUsualLabels = customValues.length === 0 && requestSize === undefined && responseSize === undefined;
  const isExcluded = exclusion(options);
  const pathOf = pathNaming(options);
  const expressRoutes = new ExpressRoutes(normalizerOf(options));
  const expressRoute: RouteOf = (request, url) => expressRoutes.templateOf(request, url);
  const running = new Map<string | undefined, Running>();
  /** So that a request counts once where the metrics are mounted twice. */
  const tracked = new TrackedRequests<Tracked>();
  const children = new RequestChildren(
    (values) => [requests.labels(...values), duration.labels(...values)],
    groupStatus,
  );

  function track(request: MountedRequest, response: ServerResponse, routeOf?: RouteOf): void {
    const { socket } = request;
    const earlier = tracked.find(request, socket);
    if (earlier !== undefined) {
      earlier.routeOf = routeOf ?? earlier.routeOf;
      return;
    }
    // the request has been counted, where the metrics are mounted twice
    if (tracked.isSent(response, socket)) return;
    const url = request.originalUrl ?? request.url ?? '/';
    if (isExcluded(url)) return;
    const start = performance.now();
    const ofMethod = runningOf(request.method);
    const sentBytes = responseSize === undefined ? undefined : countResponseBody(request, response);
    const over = (sent: boolean): void => {
      const seconds = (performance.now() - start) / 1000;
      move(ofMethod, -1);
      try {
        const status = sent ? response.statusCode : CLIENT_WENT_AWAY;
        const route = known.routeOf?.(request, url) ?? pathOf(url, request, status);
        if (hasOnlyUsualLabels) {
          const { counter, histogram } = children.of(ofMethod.method, route, status);
          counter.inc();
          histogram.observe(seconds);
          return;
        }
        const values = labelValues(ofMethod.method, route, status, groupStatus);
        for (const valueOf of customValues) values.push(valueOf(request, response));
        requests.labels(...values).inc();
        duration.labels(...values).observe(seconds);
        requestSize?.labels(...values).observe(requestBodyBytes(request));
        if (sentBytes !== undefined) responseSize?.labels(...values).observe(sentBytes());
      } catch (error) {
        warnOnce('http metrics', `a request is not counted: ${describeError(error)}`);
      }
    };
    // the end of a response is an event of its connection, outside of the span of the request
    const known: Tracked = {
      request,
      routeOf,
      isOver: false,
      over: options.exemplars === true ? AsyncResource.bind(over) : over,
    };
    move(ofMethod, 1);
    tracked.add(response, socket, known);
  }

  function runningOf(method: string | undefined): Running {
    const known = running.get(method);
    if (known !== undefined) return known;
    if (method === undefined || (!METHODS.has(method) && method !== 'OTHER')) return runningOf('OTHER');
    const ofMethod = { method, gauge: inProgress.labels(method), requests: 0 };
    running.set(method, ofMethod);
    return ofMethod;
  }

  return {
    track,
    middleware(request: MountedRequest, response, next) {
      track(request, response, expressRoute);
      next();
    },
    attach(server) {
      if (!(server instanceof NetServer)) {
        throw invalidArgument(
          `attach() takes the server itself, such as what http.createServer() answers with, not ${inspect(server, { depth: 0 })}`,
        );
      }
      (server as Server).prependListener('request', (request, response) => track(request, response));
    },
    fastify: fastifyPlugin(track),
    koa: koaMiddleware(track),
    hono: honoMiddleware(track),
  };
}

/** The gauge is set and not incremented: after a reset while requests are in progress it would stay below 0. */
function move(running: Running, by: number): void {
  running.requests += by;
  running.gauge.set(running.requests);
}

function exclusion({ exclude = [], metricsPath = '/metrics' }: HttpMetricsOptions): (url: string) => boolean {
  const paths = new Set(exclude.filter((rule): rule is string => typeof rule === 'string'));
  const patterns = exclude.filter((rule): rule is RegExp => rule instanceof RegExp).map(withoutState);
  if (metricsPath !== false) paths.add(metricsPath);
  return (url) => {
    const path = withoutQuery(url);
    return paths.has(path) || patterns.some((pattern) => pattern.test(path));
  };
}

function normalizerOf({ normalizePath, maxPaths }: HttpMetricsOptions): PathNormalizer {
  return new PathNormalizer(typeof normalizePath === 'function' ? undefined : normalizePath, maxPaths);
}

function pathNaming(options: HttpMetricsOptions): (url: string, request: IncomingMessage, status: number) => string {
  const { normalizePath, maxPaths = 100 } = options;
  // otherwise a scanner that looks for vulnerable paths would fill the metrics with its own
  const mostOf = (status: number): number => (status === 404 ? Math.floor(maxPaths / 2) : maxPaths);
  const paths = normalizerOf(options);
  // the result of a function is used as it is, but the number of different results is limited
  return typeof normalizePath === 'function'
    ? (url, request, status) => paths.admit(normalizePath(url, request), mostOf(status))
    : (url, _request, status) => paths.normalize(url, mostOf(status));
}
