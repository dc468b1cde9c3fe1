import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';

/** Within this many milliseconds a second write may leave the same times behind: file systems count in up to 2 s. */
const SETTLED_MS = 2000;

/** What a file looked like; `settled` when any later write is bound to look different. */
interface Stamp {
  readonly look: string;
  readonly settled: boolean;
}

/** Files that were read together, and whether any of them has changed since. A missing file is watched for coming. */
export class WatchedFiles {
  readonly #stamps = new Map<string, Stamp>();
  readonly #contents = createHash('sha256');

  /** Reads a file, and notes its look from before, so that a change in between shows as one later. */
  async read(path: string): Promise<string> {
    this.#stamps.set(path, await stampOf(path));
    const text = await readFile(path, 'utf8');
    this.#contents.update(`${path}\0${text.length}\0${text}`);
    return text;
  }

  /** Whether a file may differ from what was read: it looks different, or was too young to tell. */
  async mayHaveChanged(): Promise<boolean> {
    const looks = await Promise.all(
      [...this.#stamps].map(async ([path, was]) => was.settled && (await stampOf(path)).look === was.look),
    );
    return looks.includes(false);
  }

  /** Equal for equal contents. */
  contentsDigest(): string {
    return this.#contents.copy().digest('base64');
  }
}

async function stampOf(path: string): Promise<Stamp> {
  try {
    // Follows symlinks, so that Kubernetes' swap of a secret's `..data` link shows.
    const { dev, ino, size, mtimeNs, ctimeNs, mtimeMs } = await stat(path, { bigint: true });
    const settled = Date.now() - Number(mtimeMs) > SETTLED_MS;
    return { look: [dev, ino, size, mtimeNs, ctimeNs].join(), settled };
  } catch (error) {
    return { look: String((error as NodeJS.ErrnoException).code), settled: true };
  }
}
