import { writeSync } from 'node:fs';

/**
 * Writes all bytes; one call of write(2) may write fewer.
 *
 * @param position in the file; default: the present position of the descriptor
 * @throws the system's error, after a part may have been written
 */
export function writeAll(fd: number, bytes: Uint8Array, position?: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(fd, bytes, done, bytes.length - done, position === undefined ? null : position + done);
  }
}
