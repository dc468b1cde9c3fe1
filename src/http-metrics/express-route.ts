/**
 * The template of the route that matched in Express, and in Nest on it.
 *
 * `request.route.path` has the part below the router, and `request.baseUrl` where that is mounted; but a mount point may
 * have parameters, of which baseUrl has the values, and after an error it is that of the error handler's router. So the
 * part above the router is taken from the URL, where the template tells how many segments there are below.
 */
import { PathNormalizer, type PathRule } from './path-normalizer.js';

export interface ExpressRequest {
  readonly url?: string;
  readonly originalUrl?: string;
  readonly baseUrl?: string;
  readonly route?: { readonly path?: unknown };
}

/** How many segments these match is not known from the template. */
const PATTERN = /[*?+(){}\\]/;

export class ExpressRoutes {
  /** Mount points are few; with parameters in them they are what a client likes them to be. */
  readonly #mounts: PathNormalizer;

  constructor(rules: readonly PathRule[] | undefined, mostMounts: number | undefined) {
    this.#mounts = new PathNormalizer(rules, mostMounts);
  }

  /** Undefined where no route matched, or one whose path is no text. */
  templateOf(request: ExpressRequest): string | undefined {
    const template = request.route?.path;
    if (typeof template !== 'string') return undefined;
    const mount = mountOf(template, request) ?? request.baseUrl ?? '';
    return mount === '' ? template || '/' : this.#mounts.normalize(mount) + (template === '/' ? '' : template);
  }
}

/** The part of the URL that is above a template; undefined where the template does not tell. */
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
