/**
 * The header page of a file, as a reader sees it: opened without trust, validated in a fixed order (length, magic, byte
 * order, version, identity length, identity checksum, identity), each with an error of its own. layout.ts draws the bytes.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { Packr, Unpackr } from 'msgpackr';
import { BadFileError, PromMultiprocError } from '../errors.js';
import { crc32 } from './crc32.js';
import { BYTE_ORDER_MARK, HEADER, MAGIC, VERSION_MAJOR } from './layout.js';
import type { LivenessMethod, ProcessIdentity } from './layout.js';
import { isPlainMsgpack } from './plain-msgpack.js';

export interface Header {
  readonly identity: ProcessIdentity;
  readonly versionMajor: number;
  readonly versionMinor: number;
  /** FileState, but any other number where the writer is newer or the word is damaged. */
  readonly state: number;
  readonly keyEpoch: number;
  readonly blockCount: number;
  readonly liveSeries: number;
  /** Seconds since the epoch. */
  readonly heartbeat: number;
  readonly bytesInMemory: number;
  readonly droppedSamples: number;
  readonly identityCrc: number;
}

export const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
/** Room for the identity in the header page. */
export const MAX_IDENTITY_BYTES = HEADER.bytes - HEADER.identity;

// One page for all reads: they are synchronous, and nothing of the page outlives one. Its own ArrayBuffer starts at a
// multiple of 8, as the file's offset 0 is: a read into a misaligned destination can tear the heartbeat.
let page: Uint8Array | undefined;
let view: DataView | undefined;

/**
 * Opens a file of a metrics directory for reading, if it is a plain file. Never follows a symlink, and never waits for
 * the writer of a fifo.
 *
 * @throws {BadFileError} ERR_NOT_A_METRICS_FILE for a symlink, a directory, a fifo, a socket or a device
 * @throws {PromMultiprocError} ERR_PERMISSION
 * @throws {NodeJS.ErrnoException} others of open(2), such as ENOENT for a file that has just been folded
 */
export function openDataFile(path: string): number {
  const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;
  let fd: number;
  try {
    fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
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

/**
 * Reads and validates the header.
 *
 * @param file the path, for errors only
 * @param previous what an earlier call said: its identity is used again where the bytes have the same checksum
 * @throws {BadFileError} with the offset of the first rule that is broken
 */
export function readHeader(fd: number, file: string, previous?: Header): Header {
  page ??= new Uint8Array(HEADER.bytes);
  view ??= new DataView(page.buffer);
  const bytes = page;
  const words = view;
  const length = readSync(fd, bytes, 0, HEADER.bytes, 0);
  if (length === 0) throw new BadFileError('ERR_NOT_A_METRICS_FILE', 'the file is empty', { file, offset: 0 });
  if (length >= MAGIC.length && !hasMagic(bytes)) throw notAMetricsFile(file, 'has another magic number');
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
  const versionMinor = words.getUint16(HEADER.versionMinor, LITTLE_ENDIAN);
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
  const identityCrc = words.getUint32(HEADER.identityCrc, LITTLE_ENDIAN);
  if (identityCrc !== crc32(bytes, HEADER.identity, identityEnd)) {
    throw corrupt(file, HEADER.identityCrc, 'the checksum of the identity is wrong');
  }
  const identity =
    previous !== undefined && previous.identityCrc === identityCrc
      ? previous.identity
      : decodeIdentity(bytes, HEADER.identity, identityEnd, file);
  return {
    identity,
    versionMajor,
    versionMinor,
    state: words.getUint32(HEADER.state, LITTLE_ENDIAN),
    keyEpoch: words.getUint32(HEADER.keyEpoch, LITTLE_ENDIAN),
    blockCount: words.getUint32(HEADER.blockCount, LITTLE_ENDIAN),
    liveSeries: words.getUint32(HEADER.liveSeries, LITTLE_ENDIAN),
    heartbeat: words.getFloat64(HEADER.heartbeat, LITTLE_ENDIAN),
    bytesInMemory: words.getFloat64(HEADER.bytesInMemory, LITTLE_ENDIAN),
    droppedSamples: words.getFloat64(HEADER.droppedSamples, LITTLE_ENDIAN),
    identityCrc,
  };
}

/** The bytes of an identity as they follow HEADER.identity; its length and checksum go into the words before. */
export function encodeHeaderIdentity(identity: ProcessIdentity): Uint8Array {
  return new Packr({ useRecords: false }).pack(identity);
}

const unpackr = new Unpackr({ useRecords: false });

/** Decodes and checks each field; unknown ones, of a newer minor version, are left out. */
function decodeIdentity(bytes: Uint8Array, start: number, end: number, file: string): ProcessIdentity {
  if (!isPlainMsgpack(bytes, start, end)) throw corrupt(file, start, 'the identity is not a plain msgpack map');
  let decoded: unknown;
  try {
    decoded = unpackr.unpack(bytes.subarray(start, end));
  } catch (error) {
    throw new BadFileError(
      'ERR_CORRUPT_FILE',
      'the identity cannot be decoded',
      { file, offset: start },
      { cause: error },
    );
  }
  if (typeof decoded !== 'object' || decoded === null || Array.isArray(decoded)) {
    throw corrupt(file, start, 'the identity is not a map');
  }
  const fields = decoded as Record<string, unknown>;
  const identity: Record<string, unknown> = {};
  for (const [field, isValid] of Object.entries(IDENTITY_RULES)) {
    const value = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (!isValid(value)) throw corrupt(file, start, `the identity's ${field} is missing or impossible`);
    identity[field] = value;
  }
  return identity as unknown as ProcessIdentity;
}

const integer =
  (minimum: number, maximum: number) =>
  (value: unknown): boolean =>
    Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum;
const text =
  (pattern: RegExp) =>
  (value: unknown): boolean =>
    typeof value === 'string' && pattern.test(value);
const seconds = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value < 1e12;

/** What each field may be. kill(2) takes a signed 32-bit pid, and anything below 1 would name a group of processes. */
const IDENTITY_RULES: Record<keyof ProcessIdentity, (value: unknown) => boolean> = {
  pid: integer(1, 2 ** 31 - 1),
  threadId: integer(0, 2 ** 32 - 1),
  startTime: text(/^\d{0,20}$/),
  bootId: text(/^[0-9a-f-]{0,64}$/),
  pidNamespace: text(/^(pid:\[\d{1,20}\])?$/),
  hostName: text(/^[^]{0,256}$/),
  id: text(/^[0-9a-f]{16}$/),
  startedAt: seconds,
  createdAt: seconds,
  liveness: (value) => LIVENESS_METHODS.includes(value as LivenessMethod),
};
const LIVENESS_METHODS: readonly LivenessMethod[] = ['flock', 'heartbeat'];

function hasMagic(bytes: Uint8Array): boolean {
  for (let i = 0; i < MAGIC.length; i++) if (bytes[HEADER.magic + i] !== MAGIC.charCodeAt(i)) return false;
  return true;
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
