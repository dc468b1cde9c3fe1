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
import { fstatSync, readSync } from 'node:fs';
import { BadFileError } from '../errors.js';
import { crc32 } from './crc32.js';
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
 * @param file the path, for errors only
 * @throws {BadFileError} ERR_CORRUPT_FILE where it is torn or damaged
 */
export function* verifySeal(fd: number, file: string): Generator<void, void> {
  const size = fstatSync(fd).size;
  const content = size - SEAL.bytes;
  const corrupt = (offset: number, reason: string): BadFileError =>
    new BadFileError('ERR_CORRUPT_FILE', reason, { file, offset });
  if (content < 0) throw corrupt(0, 'an archive without a seal');
  const chunk = new Uint8Array(Math.min(size, CHUNK_BYTES));
  const read = (into: Uint8Array, position: number): void => {
    if (readSync(fd, into, 0, into.length, position) < into.length) throw corrupt(position, 'an archive is cut off');
  };
  let crc = 0;
  for (let at = 0; at < content;) {
    const part = chunk.subarray(0, Math.min(chunk.length, content - at));
    read(part, at);
    crc = crc32(part, 0, part.length, crc);
    at += part.length;
    yield;
  }
  const seal = new Uint8Array(SEAL.bytes);
  read(seal, content);
  if (Buffer.from(seal.buffer, SEAL.magic, SEAL_MAGIC.length).toString('latin1') !== SEAL_MAGIC) {
    throw corrupt(content, 'an archive without a seal');
  }
  if (new DataView(seal.buffer).getUint32(SEAL.crc, LITTLE_ENDIAN) !== crc) {
    throw corrupt(content + SEAL.crc, 'the checksum of an archive is wrong');
  }
}
