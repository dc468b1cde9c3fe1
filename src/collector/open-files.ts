/**
 * Files that a collection keeps open from one scrape to the next, for opening one costs more than reading it. Their number
 * is bounded, and halved for good when the process has once run out of descriptors: it needs some for whatever else it does.
 */
import { readFileSync } from 'node:fs';
import { debug } from '../debug-log.js';
import { describeError, isSystemTrouble } from '../errors.js';
import type { Source } from './source.js';

/** A process that serves needs descriptors for its clients too. */
const SHARE_OF_LIMIT = 4;

export class OpenFiles {
  readonly #sources = new Set<Source>();
  #most: number;

  constructor(most: number) {
    this.#most = Math.min(most, Math.floor(descriptorLimit() / SHARE_OF_LIMIT));
  }

  /** To be called after each read, and not after a pass: a directory may have more files than a process may open. */
  limit(source: Source): void {
    // what cannot be opened again once somebody has deleted it
    if (source.liveness === 'archive') return;
    if (this.#sources.has(source) && !source.isFinal) return;
    if (source.isFinal || this.#sources.size >= this.#most) {
      source.reader.close();
      this.#sources.delete(source);
    } else {
      this.#sources.add(source);
    }
  }

  forget(source: Source): void {
    this.#sources.delete(source);
  }

  /** Reads, and where the system fails once more, with everything closed that can be. @throws the error of that try */
  withRoom<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      this.makeRoom(error);
      return read();
    }
  }

  /** Closes all, where the system has failed. @throws the error where it is none of the system's */
  makeRoom(error: unknown): void {
    if (!isSystemTrouble(error)) throw error;
    debug('closes its files: %s', describeError(error));
    this.#most = Math.floor(Math.min(this.#most, this.#sources.size) / 2);
    for (const { reader } of this.#sources) reader.close();
    this.#sources.clear();
  }
}

/** How many descriptors this process may have; Infinity where the system does not tell. */
function descriptorLimit(): number {
  try {
    const limits = readFileSync('/proc/self/limits', 'latin1');
    return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}
