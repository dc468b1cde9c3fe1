/**
 * CRC-32 as zlib, PNG and Ethernet have it (reflected polynomial 0xEDB88320).
 *
 * In JavaScript because records are short: for 64 bytes this takes about 90 ns, `zlib.crc32` with the subarray that it
 * needs about 150 ns (Node 20), and Node has that from 20.15 on only.
 */
const TABLE = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ 0xedb88320 : remainder >>> 1;
  TABLE[byte] = remainder;
}

/** The checksum of `bytes[start, end)`, unsigned. */
export function crc32(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = -1;
  for (let at = start; at < end; at++) crc = TABLE[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}
