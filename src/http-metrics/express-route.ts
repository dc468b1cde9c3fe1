/**
 * The template of the route that matched in Express, or in Nest on top of Express.
 *
 * `request.route.path` is the part of the template below the router. `request.baseUrl` is where the router is mounted, but
 * it holds the values of a mount point's parameters and not their names, and after an error it is the mount point of the
 * error handler's router. So the part above the router is cut from the URL: the template tells how many segments are below.
 */
import { type PathNormalizer, withoutQuery } from './path-normalizer.js';

export interface ExpressRequest {
  readonly baseUrl?: string;
  readonly route?: { readonly path?: unknown };
}

/** A template with one of these may match any number of segments. */
const PATTERN = /[*?+(){}\\]/;
const SLASH = 0x2f;

const MAX_RECENT = 500;
const MAX_RECENT_LENGTH = 100;

interface Recent {
  readonly template: string;
  readonly mount: string | undefined;
}

export class ExpressRoutes {
  /** The mount points of recent URLs. */
  readonly #recent = new Map<string, Recent>();
  /** An application has few mount points, but a client chooses the values of parameters in them. */
  readonly #mounts: PathNormalizer;

  constructor(mounts: PathNormalizer) {
    this.#mounts = mounts;
  }

  /**
   * Undefined where no route matched, or where the path of the route is not a string.
   *
   * @param url the whole URL of the request
   */
  templateOf(request: ExpressRequest, url: string): string | undefined {
    const template = request.route?.path;
    if (typeof template !== 'string') return undefined;
    const mount = this.#mountOf(template, url) ?? request.baseUrl ?? '';
    return mount === '' ? template || '/' : this.#mounts.normalize(mount) + (template === '/' ? '' : template);
  }

  #mountOf(template: string, url: string): string | undefined {
    const recent = this.#recent.get(url);
    if (recent !== undefined && recent.template === template) return recent.mount;
    const mount = mountOf(template, url);
    if (url.length > MAX_RECENT_LENGTH) return mount;
    if (this.#recent.size >= MAX_RECENT) this.#recent.clear();
    this.#recent.set(url, { template, mount });
    return mount;
  }
}

/**
 * The part of the URL that is above a template; undefined where the template does not tell how long that is. It goes through the URL
 * from its end, since lists of segments took 0.5 µs a request.
 */
function mountOf(template: string, url: string): string | undefined {
  if (PATTERN.test(template)) return undefined;
  const path = withoutQuery(url);
  let end = endOfSegments(path, path.length);
  for (let left = endOfSegments(template, template.length); left > 0;) {
    const segment = lastSegment(template, left);
    const given = lastSegment(path, end);
    // the application has rewritten the URL before it was routed
    if (
      given === '' ||
      (!segment.includes(':') && segment !== given && segment.toLowerCase() !== given.toLowerCase())
    ) {
      return undefined;
    }
    left = endOfSegments(template, left - segment.length);
    end = endOfSegments(path, end - given.length);
  }
  return end === 0 ? '' : path.slice(0, end);
}

/** Where the last segment of `path[0, end)` ends: slashes behind it are none; 0 where no segment is left. */
function endOfSegments(path: string, end: number): number {
  let at = end;
  while (at > 0 && path.charCodeAt(at - 1) === SLASH) at--;
  return at;
}

function lastSegment(path: string, end: number): string {
  return end === 0 ? '' : path.slice(path.lastIndexOf('/', end - 1) + 1, end);
}
