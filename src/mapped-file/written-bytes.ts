import { closeSync, fstatSync, ftruncateSync, futimesSync, renameSync, writeSync } from 'node:fs';
import { PromMultiprocError } from '../errors.js';
import { type CreateOptions, DEFAULT_MAX_BYTES, type FileBytes } from './file-bytes.js';
import { createAside } from './mapped-bytes.js';

interface Region {
  readonly offset: number;
  readonly buffer: ArrayBuffer;
}

/** Bytes of a block's head, where its published words are. */
const HEAD_BYTES = 64;

/**
 * Memory that is written to the file by `flush`: on a timer, and when the process ends. For Windows, systems without the
 * native module, and network file systems, on which a mapping is not coherent. Readers see what was last flushed.
 *
 * A flush keeps the publish order: first the data of every block, then the heads, then the header, each by write calls
 * that come after those before.
 */
export class WrittenBytes implements FileBytes {
  readonly kind = 'written';
  readonly immediate = false;
  readonly #fd: number;
  readonly #maxBytes: number;
  readonly #regions: Region[] = [];
  #path: string;
  #length = 0;
  #closed = false;
  #lastError: Error | undefined;

  /** @throws the system's error where the file cannot be made */
  constructor(options: CreateOptions) {
    this.#path = options.temporaryPath;
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#fd = createAside(options);
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
      const buffer = new ArrayBuffer(length);
      this.#write(new Uint8Array(buffer), this.#length);
      this.#regions.push({ offset: this.#length, buffer });
      this.#length += length;
      return buffer;
    } catch (error) {
      this.#lastError = error instanceof Error ? error : new Error(String(error));
      if (!this.#closed) ftruncateQuietly(this.#fd, this.#length);
      return undefined;
    }
  }

  publish(path: string): void {
    this.flush();
    renameSync(this.#path, path);
    this.#path = path;
  }

  flush(): void {
    if (this.#closed) return;
    try {
      const [header, ...blocks] = this.#regions;
      for (const { offset, buffer } of blocks) this.#write(new Uint8Array(buffer, HEAD_BYTES), offset + HEAD_BYTES);
      for (const { offset, buffer } of blocks) this.#write(new Uint8Array(buffer, 0, HEAD_BYTES), offset);
      if (header !== undefined) this.#write(new Uint8Array(header.buffer), header.offset);
    } catch (error) {
      this.#lastError = error instanceof Error ? error : new Error(String(error));
    }
  }

  isLinked(): boolean | undefined {
    if (this.#closed) return false;
    // Windows does not let an open file be deleted, and its nlink is always 1
    return fstatSync(this.#fd).nlink > 0;
  }

  touch(): void {
    const now = Date.now() / 1000;
    if (!this.#closed) futimesSync(this.#fd, now, now);
  }

  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    closeSync(this.#fd);
  }

  #write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length;) {
      done += writeSync(this.#fd, bytes, done, bytes.length - done, position + done);
    }
  }
}

function ftruncateQuietly(fd: number, length: number): void {
  try {
    ftruncateSync(fd, length);
  } catch {
    // the file stays a little longer than it needs to be; readers go by blockCount
  }
}
