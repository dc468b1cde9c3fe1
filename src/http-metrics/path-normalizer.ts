/**
 * Makes a label value with few different values of a path, which any client can choose: the parts that differ from request to
 * request become placeholders, and the number of different results is limited.
 */

/** The placeholder for a path segment: the first rule that matches decides. */
export interface PathRule {
  readonly pattern: RegExp;
  readonly placeholder: string;
}

export const DEFAULT_PATH_RULES: readonly PathRule[] = [
  { pattern: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i, placeholder: ':uuid' },
  { pattern: /^\d{4}-\d{2}-\d{2}(T[\d:.]+Z?)?$/, placeholder: ':date' },
  { pattern: /^[+-]?\d+([.,]\d+)*$/, placeholder: ':number' },
  // 24: MongoDB's ids; 32, 40, 64: MD5, SHA-1, SHA-256
  { pattern: /^(0x)?(?=.*\d)[0-9a-f]{12,}$/i, placeholder: ':hash' },
  // no other part of the pattern matches a dot: otherwise the time for a path of dots would grow with the square of its length
  { pattern: /^[^@]+@[^@.]+(\.[^@.]+)+$/, placeholder: ':email' },
  // ULIDs, nanoids, base64url tokens, JSON Web Tokens: long, with a digit among the letters
  { pattern: /^(?=.*\d)(?=.*[a-z])[\w.~=-]{20,}$/i, placeholder: ':token' },
  // names with a number at the end or in them: user-17, item_3, order17
  { pattern: /^[a-z]+[-_.]?\d+$/i, placeholder: ':name' },
];

/** Version segments such as /v1/ look like names with a number, but they belong to the route. */
const VERSION = /^v\d{1,3}$/i;
const MAX_SEGMENTS = 10;
const MAX_SEGMENT_LENGTH = 60;
const MAX_PATH_LENGTH = 2048;
const MAX_RECENT = 500;
const MAX_RECENT_LENGTH = 100;

/** The label value of all paths beyond the limit. */
export const OTHER = ':other';

export class PathNormalizer {
  readonly #rules: readonly PathRule[];
  readonly #mostPaths: number;
  readonly #paths = new Set<string>();
  /** The templates of recent paths. A client chooses the paths: few are kept, and none of a long URL, which a part of it would keep in memory. */
  readonly #recent = new Map<string, string>();

  /** @param mostPaths maximum number of different results; further ones become `:other` */
  constructor(rules: readonly PathRule[] = DEFAULT_PATH_RULES, mostPaths = 100) {
    this.#rules = rules.map(({ pattern, placeholder }) => ({ pattern: withoutState(pattern), placeholder }));
    this.#mostPaths = mostPaths;
  }

  /** `/users/17/orders?page=2` becomes `/users/:number/orders`. */
  normalize(url: string, most = this.#mostPaths): string {
    return this.admit(this.#pathOf(url), most);
  }

  /** The path itself, unless there are `most` different ones already. */
  admit(path: string, most = this.#mostPaths): string {
    if (this.#paths.has(path)) return path;
    if (this.#paths.size >= most) return OTHER;
    this.#paths.add(path);
    return path;
  }

  #pathOf(url: string): string {
    const whole = withoutQuery(url);
    if (url.length > MAX_RECENT_LENGTH) return this.#templateOf(whole);
    let template = this.#recent.get(whole);
    if (template === undefined) {
      template = this.#templateOf(whole);
      if (this.#recent.size >= MAX_RECENT) this.#recent.clear();
      this.#recent.set(whole, template);
    }
    return template;
  }

  #templateOf(whole: string): string {
    if (whole.length > MAX_PATH_LENGTH) return OTHER;
    const segments = whole.split('/').filter((segment) => segment !== '');
    const shown = segments.slice(0, MAX_SEGMENTS).map((segment) => this.#segmentOf(segment));
    if (segments.length > MAX_SEGMENTS) shown.push('…');
    return `/${shown.join('/')}`;
  }

  #segmentOf(segment: string): string {
    if (VERSION.test(segment)) return segment;
    for (const { pattern, placeholder } of this.#rules) if (pattern.test(segment)) return placeholder;
    return segment.length > MAX_SEGMENT_LENGTH ? ':long' : segment;
  }
}

/** The path of a URL, without query and fragment. A pattern would take 80 ns in place of 30. */
export function withoutQuery(url: string): string {
  const query = url.indexOf('?');
  const path = query < 0 ? url : url.slice(0, query);
  const fragment = path.indexOf('#');
  return fragment < 0 ? path : path.slice(0, fragment);
}

/** A pattern with the flag g or y starts at the end of its last match, and so would match only every other time. */
export function withoutState(pattern: RegExp): RegExp {
  return pattern.global || pattern.sticky ? new RegExp(pattern, pattern.flags.replaceAll(/[gy]/g, '')) : pattern;
}
