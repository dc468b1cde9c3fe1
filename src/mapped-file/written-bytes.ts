import { ftruncateSync, writeSync } from 'node:fs';
import { OwnFile } from './own-file.js';

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
export class WrittenBytes extends OwnFile {
  readonly kind = 'written';
  readonly immediate = false;
  readonly #regions: Region[] = [];

  flush(): void {
    if (this.closed) return;
    try {
      const [header, ...blocks] = this.#regions;
      for (const { offset, buffer } of blocks) this.#write(new Uint8Array(buffer, HEAD_BYTES), offset + HEAD_BYTES);
      for (const { offset, buffer } of blocks) this.#write(new Uint8Array(buffer, 0, HEAD_BYTES), offset);
      if (header !== undefined) this.#write(new Uint8Array(header.buffer), header.offset);
    } catch (error) {
      this.failed(error);
    }
  }

  protected grow(length: number): ArrayBuffer {
    const buffer = new ArrayBuffer(length);
    try {
      this.#write(new Uint8Array(buffer), this.length);
    } catch (error) {
      ftruncateQuietly(this.fd, this.length);
      throw error;
    }
    this.#regions.push({ offset: this.length, buffer });
    return buffer;
  }

  #write(bytes: Uint8Array, position: number): void {
    for (let done = 0; done < bytes.length;) {
      done += writeSync(this.fd, bytes, done, bytes.length - done, position + done);
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
