import { writeSync } from 'node:fs';

/**
 * Writes all bytes, for one call may take fewer.
 *
 * @param position in the file; where its descriptor stands, if there is none
 * @throws the system's error, with some of them written
 */
export function writeAll(fd: number, bytes: Uint8Array, position?: number): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(fd, bytes, done, bytes.length - done, position === undefined ? null : position + done);
  }
}
