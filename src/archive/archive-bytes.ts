import { crc32 } from '../metrics-file/crc32.js';
import type { FileBytes } from '../metrics-file/file-bytes.js';
import { encodeSeal } from '../metrics-file/seal.js';
import { writeAll } from '../metrics-file/write-all.js';

/** The bytes of an archive, in memory until they are complete: no reader sees an archive while it is made. */
export class ArchiveBytes implements FileBytes {
  readonly kind = 'written';
  readonly immediate = true;
  readonly path = '';
  readonly lastError = undefined;
  readonly #regions: Uint8Array[] = [];

  get length(): number {
    return this.#regions.reduce((sum, { length }) => sum + length, 0);
  }

  /** @throws {RangeError} where there is too little memory, unlike that of a file that grows */
  extend(length: number): Uint8Array {
    const region = new Uint8Array(length);
    this.#regions.push(region);
    return region;
  }

  /** Writes everything and the seal behind it. @throws the system's error */
  writeTo(fd: number): void {
    let crc = 0;
    for (const bytes of this.#regions) {
      writeAll(fd, bytes);
      crc = crc32(bytes, 0, bytes.length, crc);
    }
    writeAll(fd, encodeSeal(crc));
  }

  isLinked(): boolean {
    return true;
  }

  isIntact(): boolean {
    return true;
  }

  flush(): boolean {
    return true;
  }

  // readers never see a growing archive, so there is nothing to do
  publish(): void {}
  fileSlots(): undefined {}
  touch(): void {}
  close(): void {}
}
