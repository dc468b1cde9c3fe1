import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

/** Two writes within so many milliseconds may have the same time: some file systems have a resolution of 2 s. */
const SETTLED_MS = 2000;

/** The stat of a file as text. `settled` means that every later write changes it. */
interface Stamp {
  readonly look: string;
  readonly settled: boolean;
}

/** Files that were read together. Tells whether any of them has changed since; a missing file changes when it appears. */
export class WatchedFiles {
  readonly #stamps = new Map<string, Stamp>();
  readonly #contents = createHash('sha256');

  /** Reads a file. The stat is taken before, so that a write between stat and read counts as a later change. */
  async read(path: string): Promise<string> {
    this.#stamps.set(path, await stampOf(path));
    const text = await readFile(path, 'utf8');
    this.#contents.update(`${path}\0${text.length}\0${text}`);
    return text;
  }

  /** Whether a file may differ from the text that was read: its stat differs, or the file was too new to tell. */
  async mayHaveChanged(): Promise<boolean> {
    const looks = await Promise.all(
      [...this.#stamps].map(async ([path, was]) => was.settled && (await stampOf(path)).look === was.look),
    );
    return looks.includes(false);
  }

  /** A digest of the paths and texts that were read. */
  contentsDigest(): string {
    return this.#contents.copy().digest('base64');
  }
}

async function stampOf(path: string): Promise<Stamp> {
  try {
    // stat follows symbolic links, and so sees when Kubernetes replaces the `..data` link of a secret
    const { dev, ino, size, mtimeNs, ctimeNs, mtimeMs } = await stat(path, { bigint: true });
    const settled = Date.now() - Number(mtimeMs) > SETTLED_MS;
    return { look: [dev, ino, size, mtimeNs, ctimeNs].join(), settled };
  } catch (error) {
    return { look: String((error as NodeJS.ErrnoException).code), settled: true };
  }
}
