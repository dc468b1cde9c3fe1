/**
 * The bytes of one process's file, version 1. FORMAT.md beside this file is the document, with the publish
 * order and what a reader may see of it; these are its offsets. Numbers are in the byte order of the machine that wrote the file, which
 * the byte-order mark tells.
 *
 * ```
 * file   := header page (4096)  block*
 * header :=  0 magic "PROMMPRC"      8
 *            8 byte-order mark       u32   0x01020304
 *           12 version major         u16   readers refuse another one, but for the previous
 *           14 version minor         u16   readers ignore it
 *           16 state                 u32 * FileState
 *           20 keyEpoch              u32 * the log is in the key blocks of this epoch
 *           24 blockCount            u32 * blocks that are there, in file order
 *           28 liveSeries            u32   for `ps`; not exact while it changes
 *           32 heartbeat             f64   seconds since the epoch, about every 5 s
 *           40 bytesInMemory         f64   counted in memory for lack of room in the file
 *           48 droppedSamples        f64   samples refused by maxSeries
 *           56 vitals                8 f64 VITALS, written with the heartbeat; NaN: not measured
 *          120 identity length       u32
 *          124 identity crc32        u32
 *          128 identity              msgpack map, ProcessIdentity
 * block  :=  0 kind                  u32   BlockKind
 *            4 pages                 u32   length of the block with this head, in 4096-byte pages
 *            8 keyEpoch              u32 * key blocks only: the epoch that the content belongs to
 *           12 used                  u32 * bytes of data that are in use
 *           16 chain                 u32   key blocks only: place in the epoch's chain, from 0
 *           20 reserved              44
 *           64 data
 * ```
 * An archive ends with a seal behind its blocks: seal.ts draws it.
 *
 * `*` marks the words that are stored by `Atomics.store`, each after what it publishes.
 */

import { BINS_PER_CHUNK } from '../model/sketch.js';

export const PAGE_BYTES = 4096;
export const MAGIC = 'PROMMPRC';
export const BYTE_ORDER_MARK = 0x01020304;
export const VERSION_MAJOR = 1;
export const VERSION_MINOR = 0;

export const HEADER = {
  magic: 0,
  byteOrderMark: 8,
  versionMajor: 12,
  versionMinor: 14,
  state: 16,
  keyEpoch: 20,
  blockCount: 24,
  liveSeries: 28,
  heartbeat: 32,
  bytesInMemory: 40,
  droppedSamples: 48,
  vitals: 56,
  identityLength: 120,
  identityCrc: 124,
  identity: 128,
  bytes: PAGE_BYTES,
} as const;

/** A process's measurements of itself, in the order of the header. Shares and the lag are of the time since the previous heartbeat. */
export const VITALS = [
  'cpuShare',
  'residentBytes',
  'loopLagSeconds',
  'loopShare',
  'gcShare',
  'seriesShare',
  'slot',
  'restarts',
] as const;

/** Undefined: not measured. */
export interface Vitals {
  /** CPU time per second, of all threads of the process, or of this worker thread where Node tells it. */
  readonly cpuShare?: number;
  /** Of the whole process; main threads only. */
  readonly residentBytes?: number;
  /** Longest time for which the event loop could not turn; main threads only. */
  readonly loopLagSeconds?: number;
  /** Event loop utilization; main threads only. */
  readonly loopShare?: number;
  /** Time in garbage collection per second. */
  readonly gcShare?: number;
  /** Series of the metric that is nearest to its limit, or of all metrics, as a part of that limit. */
  readonly seriesShare?: number;
  /** Number of the worker, which the worker that replaces it gets again: cluster with setupPrimary, PM2. */
  readonly slot?: number;
  /** Number of processes that had this slot before. */
  readonly restarts?: number;
}

export const BLOCK = {
  kind: 0,
  pages: 4,
  keyEpoch: 8,
  used: 12,
  chain: 16,
  data: 64,
} as const;

/** One kind per merge rule, so that a merge of a block is one flat loop. */
export const BlockKind = {
  /** The log of records. */
  Key: 1,
  /** float64 slots that are added up: counters; a summary's sum and count. */
  Sum: 2,
  /** Pairs of float64: value, set-at (0: never set). */
  Gauge: 3,
  /** Non-cumulative bucket counts, the last one for +Inf, then the sum of observations. They are added up. */
  Histogram: 4,
  /** Windows of sketch bins: see SKETCH. */
  Sketch: 5,
  /** Exemplar cells: see EXEMPLAR. */
  Exemplar: 6,
  /** Bins of native histograms. They are added up, and are whole numbers. */
  Native: 7,
} as const;
export type BlockKind = (typeof BlockKind)[keyof typeof BlockKind];
export type ValueBlockKind = Exclude<BlockKind, typeof BlockKind.Key>;

export const FileState = {
  /** The process is running, as far as the file knows; the lock is more reliable. */
  Open: 1,
  /** The process ended normally. */
  Closed: 2,
  /** The process died, and another process saw that: in files without a lock. */
  Dead: 3,
} as const;
export type FileState = (typeof FileState)[keyof typeof FileState];

/**
 * One record of the key log, padded to 8 bytes:
 * ```
 *  0 length   u32   of the whole record with its padding
 *  4 crc32    u32   over bytes 8 to length
 *  8 kind     u32   RecordKind; readers skip kinds that they do not know
 * 12 bodyLength u32  without padding
 * 16 body            one msgpack map
 * ```
 * But Series has fixed fields from byte 12 on, so that a reader finds its key bytes without decoding anything:
 * ```
 * 12 family     u32   id of the Family record in this file
 * 16 block      u32   number of the value block, from 0 in file order
 * 20 slot       u32   float64 index in the data of the block
 * 24 createdAt  f64   seconds since the epoch; 0: not known
 * 32 endedAt    f64   archives: when the last process ended whose values these are, rounded up to the hour; 0 where the series
 *                     does not expire. Files of processes: when the series was marked as idle; 0 where it is not
 * 40 keyLength  u32
 * 44 key             msgpack array: the label values in the order of the family's labelNames, nil where a label is absent;
 *                    fewer where the family has got labels since; in archives one more for the series of gauges shown per process, the `pid`
 * ```
 */
export const RECORD = { length: 0, crc: 4, kind: 8, bodyLength: 12, body: 16, alignment: 8 } as const;
export const SERIES = { family: 12, block: 16, slot: 20, createdAt: 24, endedAt: 32, keyLength: 40, key: 44 } as const;

export const RecordKind = {
  /** { id, name, help, type, ... }: FamilyRecord. Declares a family, or declares it again with other registries. */
  Family: 1,
  Series: 2,
  /** { block, slot }: the series at this place is removed and its slots are zero. */
  Removal: 3,
  /** { registry, labels }: the registry's default labels from this record on. */
  DefaultLabels: 4,
  /** { block, slot, owner: [block, slot], sign, chunk, windows, windowSeconds }: a chunk of a summary's sketch. */
  SketchChunk: 5,
  /** { block, slot, owner: [block, slot], slotOffset }: the exemplar cell of one counter or bucket slot. */
  ExemplarCell: 6,
  /** { generation, foldedAt: [wall, bootId, uptime], absorbed: [id, ...], remembered: [[id, until], ...], files, droppedSeries, droppedFamilies, expiredSeries }: archives only. */
  Archive: 7,
  /**
   * { moves: [block, slot, block, slot, ...] }: gauges that were at the first place are at the second from this record on.
   * It is published together with the records behind it. A reader that meets it after it has read values reads them again.
   */
  Replacement: 8,
  /** A chunk of a native histogram's bins. Its body is not a map: NATIVE_CHUNK. */
  NativeChunk: 9,
} as const;
export type RecordKind = (typeof RecordKind)[keyof typeof RecordKind];

/**
 * The body of a NativeChunk has fixed fields: with seven chunks a series, maps took 40 % of the log, and most of the time of a first
 * scrape.
 * ```
 *  0 block       u16
 *  2 owner block u16
 *  4 slot        u32
 *  8 owner slot  u32
 * 12 chunk       i16
 * 14 schema      i8
 * 15 sign        i8
 * ```
 */
export const NATIVE_CHUNK = {
  ...{ block: 0, ownerBlock: 2, slot: 4, ownerSlot: 8, chunk: 12, schema: 14, sign: 15 },
  bytes: 16,
} as const;

/**
 * One chunk of a sketch: `windows` times an epoch word and 35 bins, all float64. A window's epoch is
 * `floor(seconds since the epoch / window seconds) + 1`, so that windows line up between processes and a reader can tell
 * which have expired; 0 is never used, and families without `maxAgeSeconds` have one window of epoch 1.
 */
export const SKETCH = { bins: BINS_PER_CHUNK, windowSlots: 1 + BINS_PER_CHUNK } as const;

/**
 * ```
 *  0 sequence  u32 *  odd while it is written
 *  4 crc32     u32    over bytes 8 to 32 + length
 *  8 value     f64
 * 16 timestamp f64    seconds since the epoch
 * 24 length    u32
 * 28 reserved  u32
 * 32 labels           msgpack map, at most 128 characters of names and values together (OpenMetrics 1.0, 4.6.1)
 * ```
 */
export const EXEMPLAR = { sequence: 0, crc: 4, value: 8, timestamp: 16, length: 24, labels: 32, bytes: 832 } as const;

/** How a reader finds out whether the writer is alive. */
export type LivenessMethod = 'flock' | 'heartbeat';

/** The process, or worker thread, that wrote a file. */
export interface ProcessIdentity {
  pid: number;
  /** 0 on the main thread. */
  threadId: number;
  /**
   * The system's thread of a worker thread: `<tid>:<start time in clock ticks since boot>` of /proc/<pid>/task; '' on the main
   * thread, and where the system has no such numbers.
   */
  osThread: string;
  /**
   * When the process started, in clock ticks since boot (/proc/<pid>/stat field 22); '' where the system has no such
   * number.
   */
  startTime: string;
  /** /proc/sys/kernel/random/boot_id, or ''. */
  bootId: string;
  /** Such as 'pid:[4026531836]', or ''. */
  pidNamespace: string;
  hostName: string;
  /** 16 random hexadecimal digits: the identity of the file. */
  id: string;
  /** Seconds since the epoch when the process started. */
  startedAt: number;
  /** Seconds since the epoch when the file was created. */
  createdAt: number;
  liveness: LivenessMethod;
}
