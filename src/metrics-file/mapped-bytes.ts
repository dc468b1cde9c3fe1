import { existsSync, fstatSync, unlinkSync } from 'node:fs';
import { PromMultiprocError } from '../errors.js';
import type { CreateOptions } from './file-bytes.js';
import type { Native } from './mapping.js';
import { OwnFile } from './own-file.js';
import { writeAll } from './write-all.js';

/** A file whose bytes are mapped, locked for as long as its process or thread lives. */
export class MappedBytes extends OwnFile {
  readonly kind = 'mapped';
  readonly immediate = true;
  readonly #native: Native;
  readonly #inode: number;

  /** @throws the system's error where the file cannot be made or locked */
  constructor(native: Native, options: CreateOptions) {
    super(options);
    this.#native = native;
    this.#inode = fstatSync(this.fd).ino;
    if (!native.lockExclusive(this.fd)) {
      this.close();
      unlinkSync(this.path);
      throw new PromMultiprocError('ERR_DIRECTORY_REFUSED', `flock does not work on ${JSON.stringify(this.path)}`);
    }
  }

  flush(): boolean {
    return true;
  }

  /** Stores through a mapping are in the file at once, also in one that somebody has read and removed. */
  fileSlots(): undefined {
    return undefined;
  }

  protected grow(length: number): ArrayBuffer {
    this.#back(length);
    return this.#native.map(this.#pathOfOwnDescription(), this.#inode, this.length, length);
  }

  /** A page without disk space behind it is a SIGBUS at its first touch when the disk is full (ran). */
  #back(length: number): void {
    const errno = this.#native.allocate(this.fd, this.length, length);
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

  /** Where Linux has /proc, the file is found there even when its name is gone. */
  #pathOfOwnDescription(): string {
    const viaProc = `/proc/self/fd/${this.fd}`;
    return existsSync(viaProc) ? viaProc : this.path;
  }
}
