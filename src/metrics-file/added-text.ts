/**
 * A file stores default labels once, but readers add them to the text or the key of every series. The largest honest file,
 * of 64 MiB, may have 1 KiB of them in each of its 600,000 series. Without this limit a crafted file could produce any
 * amount of text from a few bytes.
 */
const LEAST_BYTES = 32 * 1024 * 1024;
const BYTES_PER_FILE_BYTE = 16;

/** Whether readers accept so much added text for a file of that length. */
export function mayAddText(bytes: number, fileBytes: number): boolean {
  return bytes <= LEAST_BYTES + BYTES_PER_FILE_BYTE * fileBytes;
}
