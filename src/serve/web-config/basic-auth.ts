import { createHmac, randomBytes } from 'node:crypto';
import type { YamlSection } from './yaml-section.js';

/** `basic_auth_users`: bcrypt hashes by user name. Empty: no authentication. */
export type Users = ReadonlyMap<string, string>;

/** The three prefixes of bcrypt that are in use; `$2x$` is left out, since it marks hashes of a faulty implementation. */
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
 * Compares a password with a bcrypt hash. Comparisons of one lane run one after another; several lanes take turns.
 *
 * @returns undefined, at once or later, where too many comparisons wait
 */
export type ComparePassword = (
  password: string,
  hash: string,
  lane: string,
) => Promise<boolean | undefined> | undefined;

/** `'busy'`: the password was not compared, because too many comparisons wait. */
export type Verdict = 'admitted' | 'denied' | 'busy';

/** Maximum number of remembered verdicts of each kind. */
const REMEMBERED = 1000;
/** One lane for all unknown names, so that guesses of names wait for each other. */
const UNKNOWN_USERS = '';

/**
 * Decides which credentials are admitted, for one version of the configuration.
 *
 * A bcrypt comparison takes about 100 ms at cost 10, by design. A scraper sends the same credentials every time, so the
 * authenticator remembers verdicts, under a keyed hash that is of no use outside this process. It remembers admitted and denied
 * credentials separately: a flood of wrong passwords must not push the right ones out. A verdict belongs to one bcrypt hash, so
 * the next version of the configuration can take over the remembered verdicts: a scraper whose password did not change does
 * not wait again because a certificate was renewed.
 *
 * The password of a known user waits only for other passwords of this user from the same address, and not for those of unknown
 * users or from other addresses.
 */
export class Authenticator {
  readonly #key: Buffer;
  readonly #admitted: Map<string, true>;
  readonly #denied: Map<string, true>;
  /** Running comparisons by key: a thousand first requests with the same credentials share one comparison. */
  readonly #running = new Map<string, Promise<Verdict>>();
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

  /** @param address the client's address */
  async judge(authorization: string | undefined, address = ''): Promise<Verdict> {
    if (this.users.size === 0) return 'admitted';
    const credentials = parseBasicCredentials(authorization);
    if (credentials === undefined) return 'denied';
    const { user, password } = credentials;
    const hash = this.users.get(user);
    // neither a user name nor a hash can contain a colon, so two different triples never have the same text
    const key = this.#keyed(`${user}:${hash ?? ''}:${password}`).toString('base64');
    if (this.#admitted.has(key)) return 'admitted';
    if (this.#denied.has(key)) return 'denied';
    let verdict = this.#running.get(key);
    if (verdict === undefined) {
      const lane = hash === undefined ? UNKNOWN_USERS : `${user}:${address}`;
      verdict = this.#compared(user, password, key, lane).finally(() => this.#running.delete(key));
      this.#running.set(key, verdict);
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
   * A hash for an unknown user: no password matches it, and its cost is that of some known user, so that the time of a refusal
   * does not reveal which users exist. Where the users have different costs, an unknown name always gets the same one of them,
   * as a known user would.
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

/** Adds a verdict and forgets the oldest one beyond the limit. */
function remember(verdicts: Map<string, true>, key: string): void {
  verdicts.set(key, true);
  if (verdicts.size > REMEMBERED) verdicts.delete(verdicts.keys().next().value!);
}
