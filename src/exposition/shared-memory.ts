/**
 * Memory of expositions that readers in other threads read while it stays where it is. V8 does not count it as memory of a thread, so that
 * it causes no collection of garbage; nor is it freed before one, so use it again.
 */

/** Smaller expositions need none: copies of them cost nothing. */
export const MIN_SHARED_BYTES = 256 * 1024;

/** Returns a copy. @param spare memory to use, if it is large enough */
export function sharedCopy(bytes: Uint8Array, spare?: SharedArrayBuffer, minBytes = bytes.length): Buffer {
  const fits = spare !== undefined && spare.byteLength >= minBytes && spare.byteLength <= 2 * minBytes;
  const copy = Buffer.from(fits ? spare : new SharedArrayBuffer(minBytes));
  copy.set(bytes);
  return copy;
}
