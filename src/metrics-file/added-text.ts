/**
 * Default labels stand in a file once, and in the text or the key of every series. The largest honest file, of 64 MiB, may
 * have 1 KiB of them in each of its 600,000 series; a crafted one could make any amount of text out of a few bytes.
 */
const LEAST_BYTES = 32 * 1024 * 1024;
const BYTES_PER_FILE_BYTE = 16;

/** Whether the series of a file of that length may have so much text that their keys do not have. */
export function mayAddText(bytes: number, fileBytes: number): boolean {
  return bytes <= LEAST_BYTES + BYTES_PER_FILE_BYTE * fileBytes;
}
