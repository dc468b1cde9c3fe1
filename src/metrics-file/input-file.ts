import { closeSync, fstatSync, readSync } from 'node:fs';
import { BadFileError } from '../errors.js';
import { openForReading } from './header.js';

/** A file that is read again and again. Its descriptor may be closed meanwhile: then the next read opens the file again. */
export class InputFile {
  /** -1 while it is closed. */
  #fd: number;
  readonly #inode: number;
  /** Owner of the file. */
  readonly uid: number;

  /** @throws {BadFileError} or the system's error where the file cannot be opened */
  constructor(readonly file: string) {
    this.#fd = openForReading(file);
    const { ino, uid } = fstatSync(this.#fd);
    this.#inode = ino;
    this.uid = uid;
  }

  /** Opens the file again if it is closed. @throws the system's error; ENOENT also where the path is another file now */
  get fd(): number {
    if (this.#fd >= 0) return this.#fd;
    this.#fd = openForReading(this.file);
    if (fstatSync(this.#fd).ino === this.#inode) return this.#fd;
    this.close();
    throw Object.assign(new Error(`${JSON.stringify(this.file)} is another file now`), { code: 'ENOENT' });
  }

  /** Closes the descriptor until the next read. */
  close(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  /** @throws {BadFileError} where the file has fewer bytes there */
  read(bytes: Uint8Array, position: number, what: string): void {
    const got = readSync(this.fd, bytes, 0, bytes.length, position);
    if (got < bytes.length) throw this.corrupt(`${what} is cut off`, position, bytes.length, got);
  }

  corrupt(reason: string, offset = 0, requiredBytes?: number, availableBytes?: number): BadFileError {
    return new BadFileError('ERR_CORRUPT_FILE', reason, { file: this.file, offset, requiredBytes, availableBytes });
  }
}
