/**
 * Files that a collection keeps open from one scrape to the next, for opening one costs more than reading it. Their number
 * is bounded, and halved for good when the process has once run out of descriptors: it needs some for whatever else it does.
 */
import { readFileSync } from 'node:fs';
import { debug } from '../debug-log.js';
import { describeError, isSystemTrouble } from '../errors.js';
import type { MetricsFile } from './metrics-file.js';

/** A process that serves needs descriptors for its clients too. */
const SHARE_OF_LIMIT = 4;

export class OpenFiles {
  readonly #files = new Set<MetricsFile>();
  #most: number;

  constructor(most: number) {
    this.#most = Math.min(most, Math.floor(descriptorLimit() / SHARE_OF_LIMIT));
  }

  /** To be called after each read, and not after a pass: a directory may have more files than a process may open. */
  limit(file: MetricsFile): void {
    // what cannot be opened again once somebody has deleted it
    if (file.kind === 'archive') return;
    if (this.#files.has(file) && !file.isFinal) return;
    if (file.isFinal || this.#files.size >= this.#most) {
      file.suspend();
      this.#files.delete(file);
    } else {
      this.#files.add(file);
    }
  }

  forget(file: MetricsFile): void {
    this.#files.delete(file);
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
    this.#most = Math.floor(Math.min(this.#most, this.#files.size) / 2);
    for (const file of this.#files) file.suspend();
    this.#files.clear();
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
