import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { onlyReads } from '../answer/plain-text.js';
import type { Route } from '../listen/route.js';
import { ICON } from './page-markup.js';
import { PAGE_STYLE } from './page-style.js';

const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';

interface Asset {
  readonly contentType: string;
  readonly content: () => string;
}

const PAGE_FILES = [
  ...['uplot.js', 'uplot.css', 'page.mjs', 'chart-panel.mjs', 'chosen-charts.mjs', 'element.mjs', 'format.mjs'],
  ...['heatmap.mjs', 'history.mjs', 'live-table.mjs', 'marks.mjs', 'sparkline.mjs', 'tables.mjs', 'verdict.mjs'],
  'worker-charts.mjs',
];

/**
 * Returns the contents of the page's scripts and of uPlot's files. The build writes them into one module as strings, since the
 * files themselves are missing in a bundled application.
 */
function pageFiles(): Readonly<Record<string, string>> {
  return require('./page-files.cjs') as Record<string, string>;
}

function typeOf(name: string): string {
  return name.endsWith('.css') ? STYLE : SCRIPT;
}

/** The files of the page by their names below `/status/`. The list is fixed, so that a request cannot name another file. */
const ASSETS: Readonly<Record<string, Asset>> = {
  'page.css': { contentType: STYLE, content: () => PAGE_STYLE },
  'icon.svg': { contentType: 'image/svg+xml', content: () => ICON },
  ...Object.fromEntries(
    PAGE_FILES.map((name) => [name, { contentType: typeOf(name), content: () => pageFiles()[name] }]),
  ),
};

/** Routes of the page's files. A file is encoded at its first request and then kept. */
export function statusAssets(path: string): Route[] {
  return Object.entries(ASSETS).map(([name, asset]) => ({ path: `${path}/${name}`, handler: serveAsset(asset) }));
}

function serveAsset({ contentType, content }: Asset): Route['handler'] {
  let held: { body: Buffer; etag: string } | undefined;
  return (req: IncomingMessage, res: ServerResponse) => {
    if (!onlyReads(req, res)) return;
    held ??= withTag(Buffer.from(content()));
    const { body, etag } = held;
    res.setHeader('ETag', etag);
    // browsers ask each time and get 304: so after an update no browser mixes old and new files
    res.setHeader('Cache-Control', 'no-cache');
    if (req.headers['if-none-match'] === etag) {
      res.writeHead(304).end();
      return;
    }
    res.writeHead(200, {
      'Content-Type': contentType,
      'Content-Length': body.byteLength,
      'X-Content-Type-Options': 'nosniff',
      'Cross-Origin-Resource-Policy': 'same-origin',
    });
    res.end(body);
  };
}

function withTag(body: Buffer): { body: Buffer; etag: string } {
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}
