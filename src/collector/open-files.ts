/**
 * Files that a collection keeps open from one scrape to the next, because to open one costs more than to read it. Their
 * number is limited. It is halved for good when the process runs out of descriptors, which it also needs for other work.
 */
import { debug } from '../debug-log.js';
import { describeError, isSystemTrouble } from '../errors.js';
import { contents } from '../metrics-file/open-file.js';
import type { MetricsFile } from './metrics-file.js';

/** The server in this process needs descriptors for its clients too. */
const SHARE_OF_LIMIT = 4;

export class OpenFiles {
  readonly #files = new Set<MetricsFile>();
  #most: number;

  constructor(most: number) {
    this.#most = Math.min(most, Math.floor(descriptorLimit() / SHARE_OF_LIMIT));
  }

  /** Call it after each read, and not after a pass: a directory may have more files than a process may open. */
  limit(file: MetricsFile): void {
    // an archive cannot be opened again once it was deleted
    if (file.kind === 'archive') return;
    if (this.#files.has(file) && !file.isFinal) return;
    if (file.isFinal || this.#files.size >= this.#most) {
      file.reader.close();
      this.#files.delete(file);
    } else {
      this.#files.add(file);
    }
  }

  forget(file: MetricsFile): void {
    this.#files.delete(file);
  }

  /** Reads, and where the system fails closes all files that it can and reads again. @throws the error of the second try */
  *withRoom<T>(read: () => Generator<void, T>): Generator<void, T> {
    try {
      return yield* read();
    } catch (error) {
      if (!isSystemTrouble(error)) throw error;
      debug('closes its files: %s', describeError(error));
      this.#most = Math.floor(Math.min(this.#most, this.#files.size) / 2);
      for (const file of this.#files) file.reader.close();
      this.#files.clear();
      return yield* read();
    }
  }
}

/** The process's limit of descriptors; Infinity where the system does not tell. */
function descriptorLimit(): number {
  return Number(/^Max open files\s+(\d+)/m.exec(contents('/proc/self/limits'))?.[1] ?? Infinity);
}
