import { createHmac, randomBytes } from 'node:crypto';
import type { YamlSection } from './yaml-section.js';

/** `basic_auth_users`: bcrypt hashes by user name. Empty: nobody is asked. */
export type Users = ReadonlyMap<string, string>;

/** bcrypt in its three spellings of today; `$2x$` marks hashes of a faulty implementation. */
const BCRYPT_HASH = /^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/;
/** `$2b$`, the cost, `$` and the salt. */
const SALT_END = 29;
const CONTROL = /\p{Cc}/u;

export function parseUsers(section: YamlSection): Users {
  const users = new Map<string, string>();
  for (const [user, entry] of section.entries) {
    if (user === '' || user.includes(':') || CONTROL.test(user)) {
      entry.refuse('a user name may be neither empty nor hold a colon or control character: no client could send it');
    }
    if (entry.isNull || !BCRYPT_HASH.test(entry.text())) {
      entry.refuse('must be a bcrypt hash such as $2y$10$…; `htpasswd -nBC 10 ""` makes one');
    }
    users.set(user, entry.text());
  }
  return users;
}

/** Basic credentials by RFC 7617: base64 of `user:password` in UTF-8. Undefined for anything else. */
export function parseBasicCredentials(header: string | undefined): { user: string; password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
  const colon = text.indexOf(':');
  if (colon < 0 || CONTROL.test(text)) return undefined;
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/**
 * Compares a password with a bcrypt hash; undefined, at once or later, when too many wait. Comparisons of one lane wait for each other,
 * those of several lanes take turns.
 */
export type ComparePassword = (
  password: string,
  hash: string,
  lane: string,
) => Promise<boolean | undefined> | undefined;

/** `'busy'`: not known, for too many comparisons wait. */
export type Verdict = 'admitted' | 'denied' | 'busy';

/** Remembered verdicts of each kind. */
const REMEMBERED = 1000;
/** Guesses of names wait for each other, whatever number of names there is. */
const UNKNOWN_USERS = '';

/**
 * Decides which credentials are admitted, for one version of the configuration.
 *
 * A bcrypt comparison takes some 100 ms at cost 10, on purpose. A scraper sends the same credentials every time, so that
 * verdicts are remembered, under a keyed hash that is of no use outside this process. Those admitted and those denied are
 * remembered apart: a flood of wrong passwords must not push the right ones out. A verdict is about one hash, so that the next
 * version of the configuration takes over what has been remembered: a scraper whose password stays need not wait again
 * because a certificate was renewed.
 *
 * Passwords of a user wait for those from the same address, and not for those of unknown users or from elsewhere.
 */
export class Authenticator {
  readonly #key: Buffer;
  readonly #admitted: Map<string, true>;
  readonly #denied: Map<string, true>;
  /** Comparisons under way: a thousand first requests with the same credentials are one. */
  readonly #underWay = new Map<string, Promise<Verdict>>();
  readonly #hashes: readonly string[];

  constructor(
    private readonly users: Users,
    private readonly compare: ComparePassword,
    before?: Authenticator,
  ) {
    this.#key = before === undefined ? randomBytes(32) : before.#key;
    this.#admitted = before === undefined ? new Map() : before.#admitted;
    this.#denied = before === undefined ? new Map() : before.#denied;
    this.#hashes = [...users.values()];
  }

  /** @param address of the client */
  async judge(authorization: string | undefined, address = ''): Promise<Verdict> {
    if (this.users.size === 0) return 'admitted';
    const credentials = parseBasicCredentials(authorization);
    if (credentials === undefined) return 'denied';
    const { user, password } = credentials;
    const hash = this.users.get(user);
    // a colon can be neither in a user's name nor in a hash, so that no two triples have the same text
    const key = this.#keyed(`${user}:${hash ?? ''}:${password}`).toString('base64');
    if (this.#admitted.has(key)) return 'admitted';
    if (this.#denied.has(key)) return 'denied';
    let verdict = this.#underWay.get(key);
    if (verdict === undefined) {
      const lane = hash === undefined ? UNKNOWN_USERS : `${user}:${address}`;
      verdict = this.#compared(user, password, key, lane).finally(() => this.#underWay.delete(key));
      this.#underWay.set(key, verdict);
    }
    return verdict;
  }

  async #compared(user: string, password: string, key: string, lane: string): Promise<Verdict> {
    const hash = this.users.get(user);
    const matches = await this.compare(password, hash ?? this.#decoyFor(user), lane);
    if (matches === undefined) return 'busy';
    const admitted = matches && hash !== undefined;
    remember(admitted ? this.#admitted : this.#denied, key);
    return admitted ? 'admitted' : 'denied';
  }

  /**
   * For an unknown user, a hash that costs what some user's costs and that no password matches, so that the time of a
   * refusal does not tell which users there are. Where users have different costs, each unknown name is always given the
   * same one of them, as if it were known.
   */
  #decoyFor(user: string): string {
    const like = this.#hashes[this.#keyed(user).readUInt32LE() % this.#hashes.length];
    return (
      like.slice(0, SALT_END) +
      randomBytes(23)
        .toString('hex')
        .slice(0, like.length - SALT_END)
    );
  }

  #keyed(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }
}

/** Remembers, and forgets the oldest beyond the limit. */
function remember(verdicts: Map<string, true>, key: string): void {
  verdicts.set(key, true);
  if (verdicts.size > REMEMBERED) verdicts.delete(verdicts.keys().next().value!);
}
