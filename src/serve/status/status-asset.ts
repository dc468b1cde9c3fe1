import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { onlyReads, sendText } from '../answer/plain-text.js';
import type { Route } from '../listen/route.js';
import { ICON } from './page-markup.js';
import { PAGE_STYLE } from './page-style.js';

const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';

interface Asset {
  readonly contentType: string;
  /** @throws the system's error where the file is missing, for example in a bundled application */
  readonly content: () => string | Buffer;
}

/** The files of the page by their names below `/status/`. The list is fixed, so that a request cannot name another file. */
const ASSETS: Readonly<Record<string, Asset>> = {
  'page.css': { contentType: STYLE, content: () => PAGE_STYLE },
  'icon.svg': { contentType: 'image/svg+xml', content: () => ICON },
  // read from the installed package and not copied, so that a newer uPlot of the application is served
  'uplot.js': { contentType: SCRIPT, content: () => readFileSync(require.resolve('uplot/dist/uPlot.iife.min.js')) },
  'uplot.css': { contentType: STYLE, content: () => readFileSync(require.resolve('uplot/dist/uPlot.min.css')) },
  ...Object.fromEntries(
    [
      'page.mjs',
      'chart-panel.mjs',
      'chosen-charts.mjs',
      'element.mjs',
      'format.mjs',
      'heatmap.mjs',
      'history.mjs',
      'live-table.mjs',
      'sparkline.mjs',
      'tables.mjs',
      'worker-charts.mjs',
    ].map((name) => [name, { contentType: SCRIPT, content: () => readFileSync(join(__dirname, 'client', name)) }]),
  ),
};

/** Routes of the page's files. A file is read at its first request and then kept in memory. */
export function statusAssets(path: string): Route[] {
  return Object.entries(ASSETS).map(([name, asset]) => ({ path: `${path}/${name}`, handler: serveAsset(asset) }));
}

function serveAsset({ contentType, content }: Asset): Route['handler'] {
  let held: { body: Buffer; etag: string } | undefined;
  return (req: IncomingMessage, res: ServerResponse) => {
    if (!onlyReads(req, res)) return;
    try {
      held ??= withTag(Buffer.from(content()));
    } catch {
      return sendText(res, 404, 'This part of the page is not installed.');
    }
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
