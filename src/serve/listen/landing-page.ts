import { serveFixedText } from '../answer/fixed-text.js';
import type { Route } from './route.js';

/** Texts of the landing page besides its links. */
export interface LandingText {
  /** Default `prom-multiproc`. */
  readonly name?: string;
  readonly description?: string;
  readonly version?: string;
}

const STYLE = `
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { margin: 0; }
header { background: #e6522c; color: #fff; padding: .75rem 1.5rem; }
h1 { font-size: 1.5rem; margin: 0; }
main { max-width: 50rem; padding: 1rem 1.5rem; }
li { margin: .5rem 0; }
`;

/**
 * The page at `/`, as exporters have one: a name, a description, and links to `/metrics` and to the other routes. The page
 * fetches nothing and runs no script, and its Content-Security-Policy forbids both. Links are relative, so that they work
 * behind a proxy that mounts the server below a prefix.
 */
export function landingPage(routes: readonly Route[], text: LandingText = {}): Route['handler'] {
  const policy = "default-src 'none'; style-src 'unsafe-inline'";
  return serveFixedText('text/html; charset=utf-8', () => render(routes, text), policy);
}

function render(routes: readonly Route[], text: LandingText): string {
  const {
    name = 'prom-multiproc',
    description = 'Prometheus metrics of many Node.js workers, merged.',
    version,
  } = text;
  const title = escapeHtml(name);
  const links = routes.flatMap(({ path, link }) => (link === undefined ? [] : [linkItem(path, link)]));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${title}</h1></header>
<main>
<p>${escapeHtml(description)}</p>
${version === undefined ? '' : `<p>Version: ${escapeHtml(version)}</p>\n`}<ul>
${links.join('\n')}
</ul>
</main>
</body>
</html>
`;
}

function linkItem(path: string, { text, description }: NonNullable<Route['link']>): string {
  const about = description === undefined ? '' : `: ${escapeHtml(description)}`;
  return `<li><a href="${escapeHtml(path.replace(/^\//, './'))}">${escapeHtml(text)}</a>${about}</li>`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes text for an element or for a quoted attribute. */
function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character]);
}
