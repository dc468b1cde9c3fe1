/**
 * Reads the header page of a file without trusting it. It is validated in a fixed order (length, magic, byte order,
 * version, identity length, identity checksum, identity), with a different error for each. layout.ts draws the bytes.
 */
import { closeSync, constants, fstatSync, readSync } from 'node:fs';
import { BadFileError, PromMultiprocError } from '../errors.js';
import { crc32 } from './crc32.js';
import { decodeIdentity } from './identity-codec.js';
import { LITTLE_ENDIAN } from '../model/byte-order.js';
import { BYTE_ORDER_MARK, HEADER, MAGIC, type ProcessIdentity, VERSION_MAJOR, type Vitals, VITALS } from './layout.js';
import { openFile, whileOpen } from './open-file.js';

/** Header words that change while the file is written. */
export interface HeaderWords {
  /** A FileState, or any other number where the writer is newer or the word is damaged. */
  readonly state: number;
  readonly keyEpoch: number;
  readonly blockCount: number;
  /** Seconds since the epoch. */
  readonly heartbeat: number;
  readonly bytesInMemory: number;
}

export interface Header extends HeaderWords {
  readonly identity: ProcessIdentity;
}

/** Space for the identity in the header page. */
const MAX_IDENTITY_BYTES = HEADER.bytes - HEADER.identity;

/**
 * Opens a file of a metrics directory for reading, if it is a regular file. Never follows a symlink, and never waits for
 * the writer of a fifo.
 *
 * @throws {BadFileError} ERR_NOT_A_METRICS_FILE for a symlink, a directory, a fifo, a socket or a device
 * @throws {PromMultiprocError} ERR_PERMISSION
 * @throws {NodeJS.ErrnoException} other errors of open(2), such as ENOENT for a file that has just been folded
 */
export function openForReading(path: string): number {
  let fd: number;
  try {
    fd = openFile(path, constants.O_RDONLY);
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'ELOOP':
      case 'EMLINK': // FreeBSD's answer for a symlink
        throw notAMetricsFile(path, 'is a symbolic link', error);
      case 'ENXIO':
        throw notAMetricsFile(path, 'is a socket', error);
      case 'EACCES':
      case 'EPERM':
        throw new PromMultiprocError(
          'ERR_PERMISSION',
          `${JSON.stringify(path)} may not be read by this user (uid ${process.getuid?.() ?? 'unknown'}): ` +
            'run the reader as the user of the workers, or give the workers a fileMode that lets it read',
          { cause: error },
        );
      default:
        throw error;
    }
  }
  try {
    if (!fstatSync(fd).isFile()) throw notAMetricsFile(path, 'is not a regular file');
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return fd;
}

/** Opens a file for the time of a call. @throws the errors of `openForReading` and `readHeader` */
export function withHeader<T>(path: string, use: (header: Header, fd: number) => T): T {
  return whileOpen(openForReading(path), (fd) => use(readHeader(fd, path), fd));
}

/**
 * Reads and validates the header.
 *
 * @param file the path, for errors only
 * @throws {BadFileError} with the offset of the first rule that is broken
 */
export function readHeader(fd: number, file: string): Header {
  // its own ArrayBuffer starts at a multiple of 8, as offset 0 of the file does: a read into a misaligned destination can
  // tear the heartbeat
  const bytes = new Uint8Array(HEADER.bytes);
  const words = new DataView(bytes.buffer);
  const length = readSync(fd, bytes, 0, HEADER.bytes, 0);
  const magic = Buffer.from(bytes.buffer, HEADER.magic, MAGIC.length).toString('latin1');
  if (length === 0) throw new BadFileError('ERR_NOT_A_METRICS_FILE', 'the file is empty', { file, offset: 0 });
  if (length >= MAGIC.length && magic !== MAGIC) throw notAMetricsFile(file, 'has another magic number');
  if (length < HEADER.bytes) {
    throw corrupt(file, 0, 'the header is cut off', { requiredBytes: HEADER.bytes, availableBytes: length });
  }
  const mark = words.getUint32(HEADER.byteOrderMark, LITTLE_ENDIAN);
  if (mark !== BYTE_ORDER_MARK) {
    const swapped = words.getUint32(HEADER.byteOrderMark, !LITTLE_ENDIAN) === BYTE_ORDER_MARK;
    throw corrupt(
      file,
      HEADER.byteOrderMark,
      swapped ? 'written by a machine of the other byte order' : 'the byte-order mark is damaged',
    );
  }
  const versionMajor = words.getUint16(HEADER.versionMajor, LITTLE_ENDIAN);
  if (versionMajor !== VERSION_MAJOR && (versionMajor === 0 || versionMajor !== VERSION_MAJOR - 1)) {
    throw new BadFileError('ERR_UNSUPPORTED_VERSION', `got format version ${versionMajor}, expected ${VERSION_MAJOR}`, {
      file,
      offset: HEADER.versionMajor,
    });
  }
  const identityLength = words.getUint32(HEADER.identityLength, LITTLE_ENDIAN);
  if (identityLength === 0 || identityLength > MAX_IDENTITY_BYTES) {
    throw corrupt(file, HEADER.identityLength, 'the length of the identity is impossible', {
      requiredBytes: identityLength,
      availableBytes: MAX_IDENTITY_BYTES,
    });
  }
  const identityEnd = HEADER.identity + identityLength;
  if (words.getUint32(HEADER.identityCrc, LITTLE_ENDIAN) !== crc32(bytes, HEADER.identity, identityEnd)) {
    throw corrupt(file, HEADER.identityCrc, 'the checksum of the identity is wrong');
  }
  const identity = readIdentity(bytes.subarray(HEADER.identity, identityEnd), file);
  return { identity, ...headerWords(words) };
}

/** The changing words, from the first bytes of the header; valid only where `readHeader` accepted the file. */
export function headerWords(words: DataView): HeaderWords {
  return {
    state: words.getUint32(HEADER.state, LITTLE_ENDIAN),
    keyEpoch: words.getUint32(HEADER.keyEpoch, LITTLE_ENDIAN),
    blockCount: words.getUint32(HEADER.blockCount, LITTLE_ENDIAN),
    heartbeat: words.getFloat64(HEADER.heartbeat, LITTLE_ENDIAN),
    bytesInMemory: words.getFloat64(HEADER.bytesInMemory, LITTLE_ENDIAN),
  };
}

/** The vitals in the first bytes of a header. An impossible number counts as not measured. */
export function vitalsOf(words: DataView): Vitals {
  const vitals: Partial<Record<(typeof VITALS)[number], number>> = {};
  VITALS.forEach((name, at) => {
    const value = words.getFloat64(HEADER.vitals + at * Float64Array.BYTES_PER_ELEMENT, LITTLE_ENDIAN);
    if (value >= 0 && value < Infinity) vitals[name] = value;
  });
  return vitals;
}

function readIdentity(bytes: Uint8Array, file: string): ProcessIdentity {
  try {
    return decodeIdentity(bytes);
  } catch (error) {
    const reason = `the identity cannot be read: ${(error as Error).message}`;
    throw new BadFileError('ERR_CORRUPT_FILE', reason, { file, offset: HEADER.identity }, { cause: error });
  }
}

function notAMetricsFile(file: string, reason: string, cause?: unknown): BadFileError {
  return new BadFileError('ERR_NOT_A_METRICS_FILE', reason, { file, offset: 0 }, { cause });
}

function corrupt(
  file: string,
  offset: number,
  reason: string,
  lengths?: { requiredBytes: number; availableBytes: number },
): BadFileError {
  return new BadFileError('ERR_CORRUPT_FILE', reason, { file, offset, ...lengths });
}
