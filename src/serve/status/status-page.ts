import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ChartRequest, Grouping } from '../../collector/chart.js';
import type { DirectoryStatus } from '../../collector/directory-status.js';
import type { StatusOptions } from '../../collector/multiprocess-collector.js';
import { PromMultiprocError } from '../../errors.js';
import { codingFor, encoded } from '../answer/compression.js';
import { InFlightLimit } from '../answer/in-flight.js';
import { UnsentBodies } from '../answer/unsent-bodies.js';
import type { MetricsSource } from '../answer/metrics-source.js';
import { serveFixedText } from '../answer/fixed-text.js';
import { onlyReads } from '../answer/plain-text.js';
import { isOver } from '../answer/response-over.js';
import { queryOf, type Route } from '../listen/route.js';
import { ICON, PAGE_MARKUP } from './page-markup.js';
import { PAGE_STYLE } from './page-style.js';
import type { StatusHistory } from './status-history.js';

/** A source that has a status: a MultiprocessCollector. */
export interface StatusSource extends MetricsSource {
  status(charts: readonly ChartRequest[], options?: StatusOptions): Promise<DirectoryStatus>;
}

export function hasStatus(source: MetricsSource): source is StatusSource {
  return typeof (source as Partial<StatusSource> | null)?.status === 'function';
}

/**
 * The page loads everything from this server, and has no inline script or style. uPlot sets styles through the object model,
 * which needs no 'unsafe-inline' (tested: Chromium 156 reports no violation).
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';

const PAGE_FILES = [
  ...['uplot.js', 'uplot.css', 'page.mjs', 'chart-panel.mjs', 'chosen-charts.mjs', 'element.mjs', 'format.mjs'],
  ...['heatmap.mjs', 'history.mjs', 'live-table.mjs', 'marks.mjs', 'tables.mjs', 'verdict.mjs'],
  'worker-charts.mjs',
];

const MAX_CHARTS = 8;
const MAX_CLIENTS = 20;
const MAX_SEARCH = 200;
const UNSENT = new UnsentBodies({ bytes: 32 * 1024 * 1024, stallMs: 30_000, sendTimeoutMs: 120_000 });
const GROUPING = /^(?:series|process|total|label:.+)$/s;

/**
 * The routes of the live page at `/status`. The page requests `/status/data.json` every two seconds while it is visible, and the
 * history once when it is opened.
 *
 * @param onError called with the error where the status cannot be read; the page gets a text without paths
 */
export function statusRoutes(source: StatusSource, history: StatusHistory, onError: (error: unknown) => void): Route[] {
  const path = '/status';
  return [
    {
      path,
      handler: serveFixedText('text/html; charset=utf-8', () => PAGE_MARKUP, POLICY),
      link: { text: 'Status', description: 'processes, sizes of metrics, live charts' },
    },
    { path: `${path}/data.json`, handler: serveStatus(source, history, onError) },
    {
      path: `${path}/history.json`,
      handler: (req, res) => {
        if (onlyReads(req, res)) void sendJson(req, res, 200, history.recorded());
      },
    },
    ...fileRoutes(path),
  ];
}

/** Routes of the page's files. The list is fixed, so that a request cannot name another file. */
function fileRoutes(path: string): Route[] {
  return [
    { path: `${path}/page.css`, handler: serveFixedText(STYLE, () => PAGE_STYLE) },
    { path: `${path}/icon.svg`, handler: serveFixedText('image/svg+xml', () => ICON) },
    ...PAGE_FILES.map((name) => ({
      path: `${path}/${name}`,
      handler: serveFixedText(name.endsWith('.css') ? STYLE : SCRIPT, () => pageFiles()[name]),
    })),
  ];
}

/**
 * Returns the contents of the page's scripts and of uPlot's files. The build writes them into one module as strings, since the
 * files themselves are missing in a bundled application.
 */
function pageFiles(): Readonly<Record<string, string>> {
  return require('./page-files.cjs') as Record<string, string>;
}

function serveStatus(
  source: StatusSource,
  history: StatusHistory,
  onError: (error: unknown) => void,
): Route['handler'] {
  const slots = new InFlightLimit(MAX_CLIENTS);

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    if (isOver(req, res) || !onlyReads(req, res)) return;
    const query = queryOf(req);
    const charts = chartsOf(query);
    if (charts === undefined) {
      return sendJson(req, res, 400, { error: `give at most ${MAX_CHARTS} charts, as chart=grouping/metric` });
    }
    if (slots.isFull) return sendJson(req, res, 503, { error: 'too many status requests at once; try again later' });
    history.watch(charts);
    const status = await slots.during(() => source.status(charts, searchOf(query)));
    if (!isOver(req, res)) await sendJson(req, res, 200, status);
  }

  return (req, res) => {
    answer(req, res).catch((error: unknown) => {
      if (codeOf(error) !== 'ERR_NO_DIRECTORY') onError(error);
      if (!isOver(req, res)) void sendJson(req, res, 503, { error: publicReason(error) });
    });
  };
}

/** Parses `?chart=total/http_requests_total&chart=/up`: in each a grouping, which may be empty, and a metric. */
function chartsOf(query: URLSearchParams): ChartRequest[] | undefined {
  const charts = query.getAll('chart');
  if (charts.length > MAX_CHARTS) return undefined;
  const requests = charts.map((chart) => {
    const [, by, metric] = /^([^/]*)\/(.+)$/s.exec(chart) ?? [];
    return { metric, by: by === '' ? undefined : (by as Grouping) };
  });
  return requests.every(({ metric, by }) => metric !== undefined && (by === undefined || GROUPING.test(by)))
    ? requests
    : undefined;
}

/** The words in `?search=…`. */
function searchOf(query: URLSearchParams): StatusOptions {
  const search = query.get('search') ?? '';
  return search.trim() === '' ? {} : { search: search.slice(0, MAX_SEARCH) };
}

/** The kind of the error, for the page: error messages contain paths, which a viewer should not see. */
function publicReason(error: unknown): string {
  const code = codeOf(error);
  if (code === 'ERR_NO_DIRECTORY') return 'there is no metrics directory yet';
  return `the metrics directory could not be read${code === undefined ? '' : ` (${code})`}; the reason is in the log`;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof PromMultiprocError ? error.code : undefined;
}

async function sendJson(req: IncomingMessage, res: ServerResponse, statusCode: number, answer: object): Promise<void> {
  const text = Buffer.from(JSON.stringify(answer));
  const coding = codingFor(req.headers['accept-encoding'], text.byteLength);
  const body = await encoded(text, coding);
  if (isOver(req, res)) return;
  res.writeHead(statusCode, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': body.byteLength,
    ...(coding !== 'identity' && { 'Content-Encoding': coding }),
    Vary: 'Accept-Encoding',
    'Cache-Control': 'no-store',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
  });
  if (req.method === 'HEAD') res.end();
  else await UNSENT.send(req, res, body);
}
