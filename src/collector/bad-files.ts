/**
 * Files that were found bad, so that they are not taken in again at every scrape: what a bad file declares before its
 * damage may be in conflict with the others, and then all files would be indexed anew when it comes and when it goes.
 */
import { BadFileError } from '../errors.js';

/** What a mark does not tell is found after this long. */
const LOOK_AGAIN_MS = 60_000;

interface BadFile {
  readonly mark: string;
  readonly error: BadFileError;
  readonly lookAgainAt: number;
}

export class BadFiles {
  readonly #known = new Map<string, BadFile>();

  /**
   * @param mark what a file that was mended, or another one of this name, has otherwise
   * @throws {BadFileError} what was wrong with the file, where it is as it was
   */
  assertNotKnown(name: string, mark: string): void {
    const known = this.#known.get(name);
    if (known?.mark === mark && performance.now() < known.lookAgainAt) throw known.error;
  }

  /** @param mark of before the file was read, for it may have changed meanwhile */
  note(name: string, mark: string, error: unknown): void {
    // trouble of another kind is the system's, and over when it is over
    if (!(error instanceof BadFileError) || this.#known.get(name)?.error === error) return;
    this.#known.set(name, { mark, error, lookAgainAt: performance.now() + LOOK_AGAIN_MS });
  }

  /** Forgets those that are gone. */
  retain(isThere: (name: string) => boolean): void {
    for (const name of [...this.#known.keys()]) if (!isThere(name)) this.#known.delete(name);
  }
}
