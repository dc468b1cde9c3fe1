import type { IncomingMessage, ServerResponse } from 'node:http';
import { PromMultiprocError } from '../../errors.js';
import { codingFor, encoded } from './compression.js';
import { defaultSource } from './default-source.js';
import { InFlightLimit } from './in-flight.js';
import type { MetricsSource } from './metrics-source.js';
import { limit, milliseconds, refuseOption } from '../option-rules.js';
import { onlyReads, sendText } from './plain-text.js';
import { isOver } from './response-over.js';
import { scrapeBudgetMs, withinBudget, type ScrapeTimeout } from './scrape-timeout.js';
import { UnsentBodies } from './unsent-bodies.js';
import { emitWarning, warnOnce } from '../warning.js';

export interface MetricsHandlerOptions {
  /** What is served. Default: the merged metrics of the directory that this process would count in. */
  readonly source?: MetricsSource;
  /** Answers that are rendered at once; one more is a 503 with Retry-After. Default 100, Infinity for no limit. */
  readonly inFlightLimit?: number;
  /**
   * Milliseconds that a scrape may take before it is answered 503; a scraper's own, shorter
   * `X-Prometheus-Scrape-Timeout-Seconds` goes before. Default 60,000.
   */
  readonly timeoutMs?: number;
  /** Milliseconds taken off the scraper's timeout, for the answer to arrive within it. Default 500. */
  readonly timeoutOffsetMs?: number;
  /** Milliseconds in which a client may take nothing of its answer before it is dropped. Default 30,000. */
  readonly stallMs?: number;
  /** Milliseconds in which a client has to take all of its answer; after that it is dropped. Default 120,000. */
  readonly sendTimeoutMs?: number;
  /**
   * Bytes of answers that wait for their clients, all together; one that several are sent counts once. Beyond it the slowest
   * clients are dropped, as many as the newest answer needs. Default 268,435,456, Infinity for no limit.
   */
  readonly unsentBytesLimit?: number;
  /** Whether answers are compressed for clients that accept it. Default true. */
  readonly compression?: boolean;
  /**
   * Told why a scrape failed; the client is told only that it did. Default: a process warning, once for every message.
   */
  readonly onError?: (error: unknown) => void;
}

/** Answers a request with metrics; for node:http and everything that hands over Node's own request and response. */
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
 *   (ran with 2.1.8) answers HEAD by itself, with an empty 200
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
      return sendText(res, 503, `${slots.limit} scrapes are under way, which is the limit. Try again later.`, {
        'Retry-After': '1',
      });
    }
    const budgetMs = scrapeBudgetMs(req.headers['x-prometheus-scrape-timeout-seconds'], timeout);
    const page = await slots.during(() =>
      withinBudget(render(source, req, compression), budgetMs, [req, res], onError),
    );
    // Answered by somebody else: Hono's adapter answers HEAD itself, whatever its handler says.
    if (page === 'client gone' || res.headersSent) return;
    if (page === 'too late') {
      return sendText(res, 503, `The scrape was not done within ${Math.round(budgetMs)} ms.`);
    }
    const { contentType, coding, body } = page.value;
    res.writeHead(200, {
      'Content-Type': contentType,
      'Content-Length': body.byteLength,
      ...(coding !== 'identity' && { 'Content-Encoding': coding }),
      Vary: withVary(res, 'Accept, Accept-Encoding'),
      'X-Content-Type-Options': 'nosniff',
      'Process-Start-Time-Unix': processStart,
    });
    if (req.method === 'HEAD') return void res.end();
    await unsent.send(req, res, body);
  }

  return (req, res) => {
    answer(req, res).catch((error: unknown) => {
      onError(error);
      // The reason stays here: error messages carry paths and, from other sources, whatever they like.
      if (!isOver(req, res)) sendText(res, 500, 'The metrics could not be collected; the reason is in the log.');
    });
  };
}

/** One exposition as this client wants it. */
async function render(source: MetricsSource, req: IncomingMessage, compression: boolean) {
  const { contentType, body } = await source.metrics({ accept: req.headers.accept, ...namesOf(req) });
  if (typeof contentType !== 'string' || contentType === '' || !(body instanceof Uint8Array)) {
    throw new PromMultiprocError(
      'ERR_INVALID_ARGUMENT',
      'the source of metricsHandler() must resolve to { contentType: string, body: Uint8Array }',
    );
  }
  const coding = compression ? codingFor(req.headers['accept-encoding'], body.byteLength) : 'identity';
  return { contentType, coding, body: await encoded(body, coding) };
}

/** `?name[]=a&name[]=b`. */
function namesOf({ url = '' }: IncomingMessage): { names?: readonly string[] } {
  const query = url.indexOf('?');
  if (query < 0) return {};
  const names = new URLSearchParams(url.slice(query)).getAll('name[]');
  return names.length === 0 ? {} : { names };
}

/** The Vary field with ours added to what a middleware has put there. */
function withVary(res: ServerResponse, ours: string): string {
  const theirs = res.getHeader('Vary');
  return theirs === undefined || theirs === '' ? ours : `${String(theirs)}, ${ours}`;
}
