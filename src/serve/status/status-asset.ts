import { serveFixedText } from '../answer/fixed-text.js';
import type { Route } from '../listen/route.js';
import { ICON } from './page-markup.js';
import { PAGE_STYLE } from './page-style.js';

const SCRIPT = 'text/javascript; charset=utf-8';
const STYLE = 'text/css; charset=utf-8';

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

/** Routes of the page's files. The list is fixed, so that a request cannot name another file. */
export function statusAssets(path: string): Route[] {
  return [
    { path: `${path}/page.css`, handler: serveFixedText(STYLE, () => PAGE_STYLE) },
    { path: `${path}/icon.svg`, handler: serveFixedText('image/svg+xml', () => ICON) },
    ...PAGE_FILES.map((name) => ({
      path: `${path}/${name}`,
      handler: serveFixedText(name.endsWith('.css') ? STYLE : SCRIPT, () => pageFiles()[name]),
    })),
  ];
}
