import { type IncomingMessage, ServerResponse } from 'node:http';
import { type LentAnswer, lentMetrics, type MetricsRequest } from '../../collector/multiprocess-collector.js';
import { invalidArgument } from '../../errors.js';
import { codingFor, encoded } from './compression.js';
import { defaultSource, lentDefault } from './default-source.js';
import { InFlightLimit } from './in-flight.js';
import type { MetricsSource } from './metrics-source.js';
import { limit, milliseconds, refuseOption } from '../option-rules.js';
import { queryOf } from '../listen/route.js';
import { onlyReads, sendText } from './plain-text.js';
import { isOver } from './response-over.js';
import { scrapeBudgetMs, withinBudget, type ScrapeTimeout } from './scrape-timeout.js';
import { UnsentBodies } from './unsent-bodies.js';
import { emitWarning, warnOnce } from '../warning.js';

export interface MetricsHandlerOptions {
  /** The metrics to serve. Default: the merged metrics of the directory that this process uses. */
  readonly source?: MetricsSource;
  /** Maximum number of scrapes that are rendered at once; a further one gets 503 with Retry-After. Default 100, Infinity for no limit. */
  readonly inFlightLimit?: number;
  /**
   * Maximum time of a scrape in milliseconds; after it the response is 503. A shorter
   * `X-Prometheus-Scrape-Timeout-Seconds` of the scraper replaces it. Default 60,000.
   */
  readonly timeoutMs?: number;
  /** Milliseconds that are subtracted from the scraper's timeout, so that the response arrives in time. Default 500. */
  readonly timeoutOffsetMs?: number;
  /** A client that takes no byte of its response for so many milliseconds is disconnected. Default 30,000. */
  readonly stallMs?: number;
  /** A client that has not taken its whole response after so many milliseconds is disconnected. Default 120,000. */
  readonly sendTimeoutMs?: number;
  /**
   * Maximum bytes of all responses that clients have not taken yet; a body that several clients get counts once. Beyond the
   * limit the slowest clients are disconnected until the newest response fits. Default 268,435,456, Infinity for no limit.
   */
  readonly unsentBytesLimit?: number;
  /** Whether responses are compressed for clients that accept it. Default true. */
  readonly compression?: boolean;
  /**
   * Called with the error of a failed scrape; the client gets only the status. Default: a process warning, once for each message.
   */
  readonly onError?: (error: unknown) => void;
}

/** Responds with metrics; for node:http and all frameworks that give access to Node's own request and response. */
export type MetricsHandler = (req: IncomingMessage, res: ServerResponse) => void;

/**
 * The handler to mount at `/metrics`.
 *
 * - node:http: `http.createServer(handler)`
 * - Express: `app.all('/metrics', handler)`
 * - Nest on Express: `app.use('/metrics', handler)`
 * - Fastify: `(request, reply) => { reply.hijack(); handler(request.raw, reply.raw); }`
 * - Koa: `(ctx) => { ctx.respond = false; handler(ctx.req, ctx.res); }`
 * - Hono on Node: `(c) => { handler(c.env.incoming, c.env.outgoing); return RESPONSE_ALREADY_SENT; }`, where the adapter
 *   (tested with 2.1.8) responds to HEAD by itself, with an empty 200
 *
 * @throws PromMultiprocError ERR_INVALID_ARGUMENT for an option that breaks its rule.
 */
export function metricsHandler(options: MetricsHandlerOptions = {}): MetricsHandler {
  const { source = defaultSource, compression = true, onError = warnOnce('a scrape failed', emitWarning) } = options;
  if (typeof source?.metrics !== 'function') refuseOption('source', source, 'give a MultiprocessCollector');
  const slots = new InFlightLimit(limit('inFlightLimit', options.inFlightLimit, 100));
  const timeout: ScrapeTimeout = {
    timeoutMs: milliseconds('timeoutMs', options.timeoutMs, 60_000),
    offsetMs: milliseconds('timeoutOffsetMs', options.timeoutOffsetMs, 500, 0),
  };
  const unsent = new UnsentBodies({
    bytes: limit('unsentBytesLimit', options.unsentBytesLimit, 256 * 1024 * 1024),
    stallMs: milliseconds('stallMs', options.stallMs, 30_000),
    sendTimeoutMs: milliseconds('sendTimeoutMs', options.sendTimeoutMs, 120_000),
  });
  const processStart = String(Math.floor(Date.now() / 1000 - process.uptime()));

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (isOver(req, res) || !onlyReads(req, res)) return;
    if (slots.isFull) {
      return sendText(res, 503, `${slots.limit} scrapes are in progress, which is the limit. Try again later.`, {
        'Retry-After': '1',
      });
    }
    const budgetMs = scrapeBudgetMs(req.headers['x-prometheus-scrape-timeout-seconds'], timeout);
    const page = await slots.during(() =>
      withinBudget(render(source, req, res, compression), budgetMs, [req, res], onError),
    );
    // Other code may have responded: Hono's adapter responds to HEAD itself and ignores its handler.
    if (page === 'client gone' || res.headersSent) return;
    if (page === 'too late') {
      return sendText(res, 503, `The scrape was not done within ${Math.round(budgetMs)} ms.`);
    }
    const { contentType, coding, body, giveBack } = page.value;
    res.writeHead(200, {
      'Content-Type': contentType,
      'Content-Length': body.byteLength,
      ...(coding !== 'identity' && { 'Content-Encoding': coding }),
      Vary: withVary(res, 'Accept, Accept-Encoding'),
      'X-Content-Type-Options': 'nosniff',
      'Process-Start-Time-Unix': processStart,
    });
    if (req.method === 'HEAD') return void res.end();
    res.once('finish', () => {
      // where the client is gone, a write of a part of the body may be under way
      if (!req.socket.destroyed) giveBack?.();
    });
    await unsent.send(req, res, body);
  }

  return (req, res) => {
    answer(req, res).catch((error: unknown) => {
      onError(error);
      // The client does not get the reason: error messages contain paths, and those of other sources may contain anything.
      if (!isOver(req, res)) sendText(res, 500, 'The metrics could not be collected; the reason is in the log.');
    });
  };
}

/** One exposition in the format and the coding that the client accepts. `giveBack` is to be called when the body is sent. */
async function render(source: MetricsSource, req: IncomingMessage, res: ServerResponse, compression: boolean) {
  const request = { accept: req.headers.accept, ...namesOf(req) };
  const lent = isSentAsItIs(req, res) ? lentFrom(source, request) : undefined;
  const { contentType, body } = await (lent ?? source.metrics(request));
  const giveBack = (await lent)?.giveBack;
  if (typeof contentType !== 'string' || contentType === '' || !(body instanceof Uint8Array)) {
    throw invalidArgument('the source of metricsHandler() must resolve to { contentType: string, body: Uint8Array }');
  }
  const coding = compression ? codingFor(req.headers['accept-encoding'], body.byteLength) : 'identity';
  if (coding === 'identity') return { contentType, coding, body, giveBack };
  const compressed = await encoded(body, coding);
  giveBack?.();
  return { contentType, coding, body: compressed };
}

function lentFrom(source: MetricsSource, request: MetricsRequest): Promise<LentAnswer> | undefined {
  return source === defaultSource ? lentDefault(request) : lentMetrics(source, request);
}

/** Whether Node itself sends the body, and nothing in between keeps parts of it: a middleware that replaces `write` might. */
function isSentAsItIs(req: IncomingMessage, res: ServerResponse): boolean {
  const { write, end } = ServerResponse.prototype;
  return req.httpVersionMajor === 1 && res.write === write && res.end === end;
}

/** The names in `?name[]=a&name[]=b`. */
function namesOf(req: IncomingMessage): { names?: readonly string[] } {
  const names = queryOf(req).getAll('name[]');
  return names.length === 0 ? {} : { names };
}

/** Adds fields to the Vary header that a middleware may have set. */
function withVary(res: ServerResponse, ours: string): string {
  const theirs = res.getHeader('Vary');
  return theirs === undefined || theirs === '' ? ours : `${String(theirs)}, ${ours}`;
}
