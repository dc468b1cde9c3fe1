/**
 * Remembers bad files, so that they are not read again at every scrape: the declarations of a bad file before its damage
 * may conflict with others, and then all files would be indexed again when it is added and when it is removed.
 */
import { BadFileError } from '../errors.js';

/** A change that the fingerprint does not show is found after this time. */
const LOOK_AGAIN_MS = 60_000;

interface BadFile {
  readonly fingerprint: string;
  readonly error: BadFileError;
  readonly lookAgainAt: number;
}

export class BadFiles {
  readonly #known = new Map<string, BadFile>();

  /**
   * @param fingerprint it differs for a repaired file or another file of this name
   * @throws {BadFileError} the error that was found in the file, where it has not changed
   */
  assertNotKnown(name: string, fingerprint: string): void {
    const known = this.#known.get(name);
    if (known?.fingerprint === fingerprint && performance.now() < known.lookAgainAt) throw known.error;
  }

  /** @param fingerprint from before the file was read, for it may have changed meanwhile */
  note(name: string, fingerprint: string, error: unknown): void {
    // other errors are the system's, and may be over at the next scrape
    if (!(error instanceof BadFileError) || this.#known.get(name)?.error === error) return;
    this.#known.set(name, { fingerprint, error, lookAgainAt: performance.now() + LOOK_AGAIN_MS });
  }

  retain(isThere: (name: string) => boolean): void {
    for (const name of [...this.#known.keys()]) if (!isThere(name)) this.#known.delete(name);
  }
}
