/**
 * The template of the route that matched in Express, or in Nest on top of Express.
 *
 * `request.route.path` is the part of the template below the router. `request.baseUrl` is where the router is mounted, but
 * it holds the values of a mount point's parameters and not their names, and after an error it is the mount point of the
 * error handler's router. So the part above the router is cut from the URL: the template tells how many segments are below.
 */
import { PathNormalizer, type PathRule } from './path-normalizer.js';

export interface ExpressRequest {
  readonly url?: string;
  readonly originalUrl?: string;
  readonly baseUrl?: string;
  readonly route?: { readonly path?: unknown };
}

/** A template with one of these may match any number of segments. */
const PATTERN = /[*?+(){}\\]/;

export class ExpressRoutes {
  /** An application has few mount points, but a client chooses the values of parameters in them. */
  readonly #mounts: PathNormalizer;

  constructor(rules: readonly PathRule[] | undefined, mostMounts: number | undefined) {
    this.#mounts = new PathNormalizer(rules, mostMounts);
  }

  /** Undefined where no route matched, or where the path of the route is not a string. */
  templateOf(request: ExpressRequest): string | undefined {
    const template = request.route?.path;
    if (typeof template !== 'string') return undefined;
    const mount = mountOf(template, request) ?? request.baseUrl ?? '';
    return mount === '' ? template || '/' : this.#mounts.normalize(mount) + (template === '/' ? '' : template);
  }
}

/** The part of the URL that is above a template; undefined where the template does not tell how long that is. */
function mountOf(template: string, { originalUrl, url = '/' }: ExpressRequest): string | undefined {
  if (PATTERN.test(template)) return undefined;
  const wanted = segmentsOf(template);
  const given = segmentsOf(originalUrl ?? url);
  const above = given.length - wanted.length;
  // the application has rewritten the URL before it was routed
  const isRewritten = wanted.some(
    (segment, at) => !segment.includes(':') && segment.toLowerCase() !== given[above + at]?.toLowerCase(),
  );
  if (above < 0 || isRewritten) return undefined;
  return above === 0 ? '' : `/${given.slice(0, above).join('/')}`;
}

function segmentsOf(url: string): string[] {
  const query = url.indexOf('?');
  return (query < 0 ? url : url.slice(0, query)).split('/').filter((segment) => segment !== '');
}
