/**
 * The seal is the end of an archive, behind its blocks, where readers of blocks do not look:
 *
 * ```
 *  0 magic "PROMSEAL"  8
 *  8 crc32             u32   over everything before the seal
 * 12 reserved          u32
 * ```
 *
 * The file of a process changes while it is read, so its records have a checksum each and its values have none. An archive never
 * changes, and it holds all counts of dead processes: a reader takes all of it or nothing.
 */
import { fstatSync } from 'node:fs';
import { crc32 } from './crc32.js';
import type { InputFile } from './input-file.js';
import { LITTLE_ENDIAN } from '../model/byte-order.js';

const SEAL = { magic: 0, crc: 8, bytes: 16 } as const;
const SEAL_MAGIC = 'PROMSEAL';
const CHUNK_BYTES = 256 * 1024;

/** The seal for bytes with this checksum. */
export function encodeSeal(crc: number): Uint8Array {
  const seal = new Uint8Array(SEAL.bytes);
  seal.set(Buffer.from(SEAL_MAGIC, 'latin1'), SEAL.magic);
  new DataView(seal.buffer).setUint32(SEAL.crc, crc, LITTLE_ENDIAN);
  return seal;
}

/**
 * Reads all of an archive and checks it against its seal. Pauses after each chunk.
 *
 * @throws {BadFileError} ERR_CORRUPT_FILE where it is torn or damaged
 */
export function* verifySeal(file: InputFile): Generator<void, void> {
  const size = fstatSync(file.fd).size;
  const content = size - SEAL.bytes;
  if (content < 0) throw file.corrupt('an archive without a seal');
  const chunk = new Uint8Array(Math.min(size, CHUNK_BYTES));
  let crc = 0;
  for (let at = 0; at < content;) {
    const part = chunk.subarray(0, Math.min(chunk.length, content - at));
    file.read(part, at, 'an archive');
    crc = crc32(part, 0, part.length, crc);
    at += part.length;
    yield;
  }
  const seal = new Uint8Array(SEAL.bytes);
  file.read(seal, content, 'an archive');
  if (Buffer.from(seal.buffer, SEAL.magic, SEAL_MAGIC.length).toString('latin1') !== SEAL_MAGIC) {
    throw file.corrupt('an archive without a seal', content);
  }
  if (new DataView(seal.buffer).getUint32(SEAL.crc, LITTLE_ENDIAN) !== crc) {
    throw file.corrupt('the checksum of an archive is wrong', content + SEAL.crc);
  }
}
