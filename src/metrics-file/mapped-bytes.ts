import { closeSync, ftruncateSync, unlinkSync } from 'node:fs';
import { describeError, PromMultiprocError } from '../errors.js';
import { type CreateOptions, DEFAULT_MAX_BYTES } from './file-bytes.js';
import type { Native } from './mapping.js';
import { createAside, OwnFile } from './own-file.js';
import { reserve } from './reservation.js';
import { writeAll } from './write-all.js';

/** A file that is locked and mapped, and still empty. */
export interface MappedFile {
  readonly fd: number;
  readonly buffer: SharedArrayBuffer;
}

/** The system cannot map files here, so the file has to be written instead. */
export class NotMappedError extends Error {}

/** Reserves address space for a file of the maximum size. @throws {NotMappedError} */
export function reserveFor({ maxBytes = DEFAULT_MAX_BYTES }: Pick<CreateOptions, 'maxBytes'>): SharedArrayBuffer {
  return orNotMapped(() => reserve(maxBytes));
}

/**
 * Creates a file under a temporary name, locks it, and maps its maximum length: pages behind its end become usable as soon
 * as the file is longer, without another mapping.
 *
 * @throws {NotMappedError}; the system's error where the file cannot be created; nothing is left behind
 */
export function createMapped(native: Native, buffer: SharedArrayBuffer, options: CreateOptions): MappedFile {
  const fd = createAside(options);
  try {
    if (!native.lockExclusive(fd)) {
      const reason = `flock does not work on ${JSON.stringify(options.temporaryPath)}`;
      throw new PromMultiprocError('ERR_DIRECTORY_REFUSED', reason);
    }
    orNotMapped(() => native.mapOver(buffer, fd));
    return { fd, buffer };
  } catch (error) {
    closeSync(fd);
    unlinkSync(options.temporaryPath);
    throw error;
  }
}

function orNotMapped<T>(map: () => T): T {
  try {
    return map();
  } catch (error) {
    throw new NotMappedError(`no memory could be mapped: ${describeError(error)}`, { cause: error });
  }
}

/**
 * A mapped file: stores are in the file at once, even in one that has been read and removed. The lock lasts as long as its
 * process or thread.
 */
export class MappedBytes extends OwnFile {
  readonly kind = 'mapped';
  readonly immediate = true;
  readonly #native: Native | undefined;
  readonly #buffer: SharedArrayBuffer;

  /** @throws as `createMapped` does */
  static create(native: Native, options: CreateOptions): MappedBytes {
    return new MappedBytes(createMapped(native, reserveFor(options), options), options, native);
  }

  /** @param native absent in a worker thread: the main thread has created the file and closes it */
  constructor({ fd, buffer }: MappedFile, options: CreateOptions, native?: Native) {
    super(fd, options);
    this.#native = native;
    this.#buffer = buffer;
  }

  protected grow(length: number): Uint8Array {
    this.#back(length);
    return new Uint8Array(this.#buffer, this.length, length);
  }

  /**
   * Clears the lost part: truncated pages are zero from here on, and may be touched again; bytes of another program are not
   * counts.
   */
  protected override salvage(damage: 'cut off' | 'written over'): void {
    if (damage === 'written over') new Uint8Array(this.#buffer, 0, this.length).fill(0);
    else if (this.#native?.allocate(this.fd, 0, this.length) !== 0) ftruncateSync(this.fd, this.length);
  }

  protected override release(): void {
    if (this.#native === undefined) return;
    // the mapping keeps the open file description alive, and the lock with it
    this.#native.unlock(this.fd);
    super.release();
  }

  /** When the disk is full, the first touch of a page without disk space raises SIGBUS (tested). */
  #back(length: number): void {
    const errno = this.#native?.allocate(this.fd, this.length, length);
    if (errno === 0) return;
    if (errno === undefined) {
      writeAll(this.fd, new Uint8Array(length), this.length);
      return;
    }
    throw new PromMultiprocError(
      'ERR_NO_SPACE',
      `no room for ${length} more bytes in ${JSON.stringify(this.path)} (errno ${errno})`,
    );
  }
}
