/**
 * All uses of native code: mmap, flock, posix_fallocate, fallocate and statfs. They are loaded on first use, never at
 * import. Where they cannot be loaded `native()` returns undefined, and every caller has a fallback.
 */
import { isMainThread } from 'node:worker_threads';
import { openLibc } from './libc.js';
import { assertReserved } from './reservation.js';

export interface Native {
  /**
   * Maps a file from its beginning over a whole reservation, shared and writable. Pages behind the end of the file may be
   * touched once the file is longer. The engine unmaps them when it frees the buffer.
   *
   * @throws {Error} with `code` where the system refuses, or where the buffer is not a reservation of the engine
   */
  mapOver(reservation: SharedArrayBuffer, fd: number): void;
  /** Removes the file from a reservation that is no longer used, so that its pages are freed with the file. */
  unmap(reservation: SharedArrayBuffer): void;
  /**
   * Allocates disk space for `length` bytes at `offset`. Returns 0, or the errno; undefined where the system has no such
   * call (macOS), and the caller has to write zeros.
   */
  allocate(fd: number, offset: number, length: number): number | undefined;
  /** Frees the pages of a file without a change of its length; for files that are about to be unlinked. */
  punch(fd: number, length: number): void;
  /** Takes an exclusive lock that lives as long as the open file description. False where another process holds a lock. */
  lockExclusive(fd: number): boolean;
  /** Takes a shared lock; false where another process holds an exclusive one. */
  lockShared(fd: number): boolean;
  unlock(fd: number): void;
  /** The `f_type` of the file system that `path` is on. */
  fileSystemType(path: string): number;
}

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const LOCK_UN = 8;
const PROT_READ_WRITE = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE = 2;
const MAP_FIXED = 0x10;
/** No other constant here differs between systems. */
const MAP_ANONYMOUS = process.platform === 'darwin' ? 0x1000 : 0x20;
const PROT_NONE = 0;
const FALLOC_FL_KEEP_SIZE_PUNCH_HOLE = 3;
/** f_type is the first field of struct statfs on 64-bit Linux; the whole struct is 120 bytes there. */
const STATFS_BYTES = 256;

let loaded: Native | undefined;
let failure: Error | undefined;

/** The native calls, or undefined where this thread or system has none; `nativeFailure()` then has the reason. */
export function native(): Native | undefined {
  if (loaded === undefined && failure === undefined) {
    try {
      loaded = load();
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
  }
  return loaded;
}

/** Why `native()` returned undefined. */
export function nativeFailure(): Error | undefined {
  return failure;
}

function load(): Native {
  // a worker thread that is terminated inside a native call aborts its process: koffi throws where no JavaScript may run
  // (tested)
  if (!isMainThread) throw new Error('worker threads make no native calls');
  if (process.env.PROM_MULTIPROC_NO_MMAP === '1') throw new Error('PROM_MULTIPROC_NO_MMAP=1');
  if (process.platform !== 'linux' && process.platform !== 'darwin') throw new Error(`no mmap on ${process.platform}`);
  const { calls, addressOf, lastError } = openLibc();
  const { mmap, flock, posix_fallocate: posixFallocate, fallocate, statfs } = calls;
  if (mmap === undefined || flock === undefined) throw new Error('the C library has no mmap');
  const failed = (call: string): Error => {
    const error = lastError();
    return Object.assign(new Error(`${call}: ${error?.code ?? 'failed'}`), error);
  };
  return {
    mapOver(reservation, fd) {
      const address = addressOf(new Uint8Array(reservation));
      assertReserved(address, reservation);
      reservation.grow(reservation.maxByteLength);
      const length = BigInt(reservation.byteLength);
      const mapped = mmap(address, length, PROT_READ_WRITE, MAP_SHARED | MAP_FIXED, fd, 0n);
      if (BigInt(mapped) !== address) throw failed('mmap');
    },
    unmap(reservation) {
      const address = addressOf(new Uint8Array(reservation));
      const length = BigInt(reservation.byteLength);
      mmap(address, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0n);
    },
    allocate(fd, offset, length) {
      return posixFallocate === undefined ? undefined : Number(posixFallocate(fd, BigInt(offset), BigInt(length)));
    },
    punch(fd, length) {
      fallocate?.(fd, FALLOC_FL_KEEP_SIZE_PUNCH_HOLE, 0n, BigInt(length));
    },
    lockExclusive: (fd) => flock(fd, LOCK_EX | LOCK_NB) === 0,
    lockShared: (fd) => flock(fd, LOCK_SH | LOCK_NB) === 0,
    unlock(fd) {
      flock(fd, LOCK_UN);
    },
    fileSystemType(path) {
      if (statfs === undefined) return 0;
      const result = Buffer.alloc(STATFS_BYTES);
      if (statfs(path, result) !== 0) throw failed('statfs');
      return Number(result.readBigInt64LE(0));
    },
  };
}

/**
 * `f_type` of file systems on which another host, or even this one, may not read what a mapping has written: statfs(2).
 */
const NETWORK_FILE_SYSTEMS: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0xff534d42, // CIFS
  0xfe534d42, // SMB2
  0x517b, // SMB
  0x65735546, // FUSE
  0x01021997, // 9p
  0x00c36400, // Ceph
]);

/** Whether mappings of files on this file system are unreliable. */
export function isNetworkFileSystem(type: number): boolean {
  return NETWORK_FILE_SYSTEMS.has(type);
}
