import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  openSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { PromMultiprocError } from '../errors.js';
import { type CreateOptions, DEFAULT_MAX_BYTES, type FileBytes } from './file-bytes.js';
import type { Native } from './mapping.js';

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;

/** Opens a new file aside, with its mode and group set whatever the umask. */
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

/** A file whose bytes are mapped, locked for as long as its process or thread lives. */
export class MappedBytes implements FileBytes {
  readonly kind = 'mapped';
  readonly immediate = true;
  readonly #native: Native;
  readonly #fd: number;
  readonly #inode: number;
  readonly #maxBytes: number;
  #path: string;
  #length = 0;
  #closed = false;
  #lastError: Error | undefined;

  /** @throws the system's error where the file cannot be made or locked */
  constructor(native: Native, options: CreateOptions) {
    this.#native = native;
    this.#path = options.temporaryPath;
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#fd = createAside(options);
    this.#inode = fstatSync(this.#fd).ino;
    if (!native.lockExclusive(this.#fd)) {
      this.close();
      unlinkSync(this.#path);
      throw new PromMultiprocError('ERR_DIRECTORY_REFUSED', `flock does not work on ${JSON.stringify(this.#path)}`);
    }
  }

  get path(): string {
    return this.#path;
  }

  get length(): number {
    return this.#length;
  }

  get lastError(): Error | undefined {
    return this.#lastError;
  }

  extend(length: number): ArrayBuffer | undefined {
    try {
      if (this.#closed) throw new PromMultiprocError('ERR_CLOSED', 'the file is closed');
      if (this.#length + length > this.#maxBytes) {
        throw new PromMultiprocError(
          'ERR_NO_SPACE',
          `the file has reached its cap of ${this.#maxBytes} bytes; PROM_MULTIPROC_MAX_BYTES raises it`,
        );
      }
      this.#back(length);
      const buffer = this.#native.map(this.#pathOfOwnDescription(), this.#inode, this.#length, length);
      this.#length += length;
      return buffer;
    } catch (error) {
      this.#lastError = error instanceof Error ? error : new Error(String(error));
      return undefined;
    }
  }

  publish(path: string): void {
    renameSync(this.#path, path);
    this.#path = path;
  }

  flush(): void {}

  isLinked(): boolean {
    return !this.#closed && fstatSync(this.#fd).nlink > 0;
  }

  touch(): void {
    const now = Date.now() / 1000;
    if (!this.#closed) futimesSync(this.#fd, now, now);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    closeSync(this.#fd);
  }

  /** A page without disk space behind it is a SIGBUS at its first touch when the disk is full (ran). */
  #back(length: number): void {
    const errno = this.#native.allocate(this.#fd, this.#length, length);
    if (errno === 0) return;
    if (errno === undefined) {
      const zeros = new Uint8Array(length);
      for (let done = 0; done < length;) done += writeSync(this.#fd, zeros, done, length - done, this.#length + done);
      return;
    }
    throw new PromMultiprocError(
      'ERR_NO_SPACE',
      `no room for ${length} more bytes in ${JSON.stringify(this.#path)} (errno ${errno})`,
    );
  }

  /** Where Linux has /proc, the file is found there even when its name is gone. */
  #pathOfOwnDescription(): string {
    const viaProc = `/proc/self/fd/${this.#fd}`;
    return existsSync(viaProc) ? viaProc : this.#path;
  }
}
