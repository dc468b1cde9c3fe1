import { crc32 } from '../metrics-file/crc32.js';
import type { FileBytes } from '../metrics-file/file-bytes.js';
import { encodeSeal } from '../metrics-file/seal.js';
import { writeAll } from '../metrics-file/write-all.js';

/** The bytes of an archive, in memory until they are complete: no reader sees an archive while it is made. */
export class ArchiveBytes implements FileBytes {
  readonly kind = 'written';
  readonly immediate = true;
  readonly path = '';
  readonly #regions: Uint8Array[] = [];
  length = 0;
  lastError: Error | undefined;

  extend(length: number): Uint8Array | undefined {
    try {
      const region = new Uint8Array(length);
      this.#regions.push(region);
      this.length += length;
      return region;
    } catch (error) {
      this.lastError = error as Error;
      return undefined;
    }
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
