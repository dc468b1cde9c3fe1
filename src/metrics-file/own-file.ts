import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  openSync,
  readSync,
  renameSync,
  unlinkSync,
} from 'node:fs';
import { PromMultiprocError } from '../errors.js';
import { HEADER } from './layout.js';
import { type CreateOptions, DEFAULT_MAX_BYTES, type FileBytes } from './file-bytes.js';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;

/**
 * The file that this process writes. It is created under a temporary name, grows up to its cap, and is open for as long as
 * the process lives.
 */
export abstract class OwnFile implements FileBytes {
  abstract readonly kind: FileBytes['kind'];
  abstract readonly immediate: boolean;
  /** Open from the creation of the file to `close()`: the liveness of the process depends on it. */
  protected readonly fd: number;
  readonly #maxBytes: number;
  path: string;
  length = 0;
  lastError: Error | undefined;
  protected closed = false;
  #identity: Buffer | undefined;

  /** @param fd a descriptor from `createAside` */
  constructor(fd: number, options: CreateOptions) {
    this.path = options.temporaryPath;
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.fd = fd;
  }

  extend(length: number): Uint8Array | undefined {
    try {
      if (this.closed) throw new PromMultiprocError('ERR_CLOSED', 'the file is closed');
      if (this.length + length > this.#maxBytes) {
        throw new PromMultiprocError(
          'ERR_NO_SPACE',
          `the file has reached its cap of ${this.#maxBytes} bytes; PROM_MULTIPROC_MAX_BYTES raises it`,
        );
      }
      const bytes = this.grow(length);
      this.length += length;
      return bytes;
    } catch (error) {
      this.failed(error);
      return undefined;
    }
  }

  /** Adds bytes at the end. @throws the reason; the file must then look unchanged to readers */
  protected abstract grow(length: number): Uint8Array;

  protected failed(error: unknown): void {
    this.lastError = error instanceof Error ? error : new Error(String(error));
  }

  publish(path: string): void {
    if (!this.flush()) throw this.lastError ?? new Error(`${JSON.stringify(this.path)} could not be written`);
    this.#identity = this.#readIdentity();
    renameSync(this.path, path);
    this.path = path;
  }

  flush(): boolean {
    return true;
  }

  fileSlots(_block: number): Float64Array | undefined {
    return undefined;
  }

  /** On Windows an open file cannot be deleted, and its nlink is always 1. */
  isLinked(): boolean | undefined {
    if (this.closed) return false;
    try {
      return fstatSync(this.fd).nlink > 0;
    } catch (error) {
      // ESTALE: on NFS, another host has removed the file
      return (error as NodeJS.ErrnoException).code === 'ESTALE' ? false : undefined;
    }
  }

  isIntact(): boolean {
    if (this.closed || this.#identity === undefined) return true;
    try {
      const damage =
        fstatSync(this.fd).size < this.length
          ? 'cut off'
          : this.#readIdentity().equals(this.#identity)
            ? undefined
            : 'written over';
      if (damage !== undefined) this.salvage(damage);
      return damage === undefined;
    } catch {
      return true; // a problem of the system, not of the file
    }
  }

  /** Prepares the counts of a damaged file for reading, where they are not in memory. */
  protected salvage(_damage: 'cut off' | 'written over'): void {}

  /** The part of the header that never changes, as it is in the file. */
  #readIdentity(): Buffer {
    const identity = Buffer.alloc(HEADER.bytes - HEADER.identityLength);
    readSync(this.fd, identity, 0, identity.length, HEADER.identityLength);
    return identity;
  }

  touch(): void {
    const now = Date.now() / 1000;
    if (!this.closed) futimesSync(this.fd, now, now);
  }

  close(): void {
    if (this.closed) return;
    this.flush();
    this.closed = true;
    this.release();
  }

  protected release(): void {
    closeSync(this.fd);
  }
}

/** Opens a new file under a temporary name, with its mode and group set regardless of the umask. */
export function createAside(options: CreateOptions): number {
  const mode = options.mode ?? 0o600;
  const fd = openSync(options.temporaryPath, O_RDWR | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), mode);
  try {
    if (mode !== 0o600) fchmodSync(fd, mode);
    if (options.group !== undefined) fchownSync(fd, -1, options.group);
  } catch (error) {
    closeSync(fd);
    unlinkSync(options.temporaryPath);
    throw error;
  }
  return fd;
}
