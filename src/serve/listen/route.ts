import type { IncomingMessage, ServerResponse } from 'node:http';
import { refuseOption } from '../option-rules.js';

/** One path of the server. */
export interface Route {
  /** The exact path, such as `/status`. */
  readonly path: string;
  /** Handles every method; `onlyReads` refuses all but GET and HEAD. */
  readonly handler: (req: IncomingMessage, res: ServerResponse) => void;
  /** How the landing page shows it. Without it, the page does not. */
  readonly link?: { readonly text: string; readonly description?: string };
}

/** Characters of a path: RFC 3986's `pchar` without percent-encoding, since every name here is plain. */
const PLAIN_PATH = /^(?:\/[\w.~!$&'()*+,;=:@-]*)+$/;

/** @throws PromMultiprocError ERR_INVALID_ARGUMENT for a path that no request can name. */
export function checkRoutePath(option: string, path: string): void {
  if (typeof path !== 'string' || !PLAIN_PATH.test(path) || isTrick(path)) {
    refuseOption(option, path, 'give a path such as "/metrics", without a query, percent signs, empty or dot segments');
  }
}

/**
 * The path of a request. It is never decoded and never normalised: a path matches letter by letter or not at all, so that a
 * proxy and this server cannot understand it differently. Undefined for paths whose only use is such a difference: dot
 * segments, empty segments, backslashes, and the encoded forms of dots and separators.
 */
export function requestPath(target: string): string | undefined {
  // RFC 9112 section 3.2.2: a server must accept the absolute form, http://host/path.
  const fromPath = target.replace(/^https?:\/\/[^/?#]*/i, '');
  const path = /^[^?#]*/.exec(fromPath)![0] || '/';
  return isTrick(path) ? undefined : path;
}

/** The query of a request. */
export function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at));
}

function isTrick(path: string): boolean {
  return /\/\/|\/\.{1,2}(?:\/|$)|\\|%(?:2e|2f|5c|00|25)/i.test(path);
}
