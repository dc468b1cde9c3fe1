/**
 * A path that anybody can choose, as a label value of which there are few: what differs from request to request becomes a
 * placeholder, and there is an end to how many paths there can be.
 */

/** What a path segment becomes: the first rule that matches decides. */
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
  // a dot is in no other part of the pattern: with one that is, a path of dots takes time by the square of its length
  { pattern: /^[^@]+@[^@.]+(\.[^@.]+)+$/, placeholder: ':email' },
  // ULIDs, nanoids, base64url tokens, JSON Web Tokens: long, with a digit among the letters
  { pattern: /^(?=.*\d)(?=.*[a-z])[\w.~=-]{20,}$/i, placeholder: ':token' },
  // names with a number at the end or in them: user-17, item_3, order17
  { pattern: /^[a-z]+[-_.]?\d+$/i, placeholder: ':name' },
];

/** Versions of an interface look like names with a number, and are a part of the path: /v1/… */
const VERSION = /^v\d{1,3}$/i;
const MAX_SEGMENTS = 10;
const LONGEST_SEGMENT = 60;
const LONGEST_PATH = 2048;

/** What all paths are called once there are too many of them. */
export const OTHER = ':other';

export class PathNormalizer {
  readonly #rules: readonly PathRule[];
  readonly #mostPaths: number;
  readonly #paths = new Set<string>();

  /** @param mostPaths distinct results; further ones are all `:other` */
  constructor(rules: readonly PathRule[] = DEFAULT_PATH_RULES, mostPaths = 100) {
    this.#rules = rules.map(({ pattern, placeholder }) => ({ pattern: withoutState(pattern), placeholder }));
    this.#mostPaths = mostPaths;
  }

  /** `/users/17/orders?page=2` is `/users/:number/orders`. */
  normalize(url: string, most = this.#mostPaths): string {
    return this.admit(this.#pathOf(url), most);
  }

  /** The path itself, unless there are `most` already. */
  admit(path: string, most = this.#mostPaths): string {
    if (this.#paths.has(path)) return path;
    if (this.#paths.size >= most) return OTHER;
    this.#paths.add(path);
    return path;
  }

  #pathOf(url: string): string {
    const query = url.search(/[?#]/);
    const whole = query < 0 ? url : url.slice(0, query);
    if (whole.length > LONGEST_PATH) return OTHER;
    const segments = whole.split('/').filter((segment) => segment !== '');
    const shown = segments.slice(0, MAX_SEGMENTS).map((segment) => this.#segmentOf(segment));
    if (segments.length > MAX_SEGMENTS) shown.push('…');
    return `/${shown.join('/')}`;
  }

  #segmentOf(segment: string): string {
    if (VERSION.test(segment)) return segment;
    for (const { pattern, placeholder } of this.#rules) if (pattern.test(segment)) return placeholder;
    return segment.length > LONGEST_SEGMENT ? ':long' : segment;
  }
}

/** A pattern with the flag g or y goes on from its last match, and would match every other time. */
export function withoutState(pattern: RegExp): RegExp {
  return pattern.global || pattern.sticky ? new RegExp(pattern, pattern.flags.replaceAll(/[gy]/g, '')) : pattern;
}
