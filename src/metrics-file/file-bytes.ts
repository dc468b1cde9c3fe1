/**
 * The bytes of the file that this process writes, however they get there. Two implementations: mapped (mapped-bytes.ts)
 * and, where there is no mmap, memory that is written out on a timer (written-bytes.ts).
 */
export interface FileBytes {
  readonly kind: 'mapped' | 'written';
  readonly path: string;
  readonly length: number;
  /** Adds `length` zeroed bytes, backed by real disk space, at the end. Undefined where there is no room; never throws. */
  extend(length: number): Uint8Array | undefined;
  /** Why `extend` last returned undefined, or `flush` false. */
  readonly lastError: Error | undefined;
  /**
   * Whether a published word reaches readers by itself at once. Where it does not, a log must not be started anew twice
   * between two flushes: the first new log would overwrite the one that readers still follow.
   */
  readonly immediate: boolean;
  /** Gives the file its own name: from here on readers find it. @throws why it cannot */
  publish(path: string): void;
  /** Brings everything to the file. False where some of it did not get there: `lastError` tells why, the next call goes on. */
  flush(): boolean;
  /** The slots of a value block as the file has them, by the block's number; undefined where only the file could tell. */
  fileSlots(block: number): Float64Array | undefined;
  /** The inode still has a name, or undefined where the system cannot tell. */
  isLinked(): boolean | undefined;
  /**
   * False where somebody has cut the file off or written over its header: its readers refuse it. Nothing mapped is touched
   * before the file is long enough again, as a store behind its end would end the process.
   */
  isIntact(): boolean;
  /** Sets the modification time to now: stores through a mapping do not. */
  touch(): void;
  /** Closes the descriptors, and the lock with them. The bytes can still be written to, to no effect for anybody. */
  close(): void;
}

/** How a file is made: aside, for its owner alone unless told otherwise. */
export interface CreateOptions {
  readonly temporaryPath: string;
  /** Default 0o600. */
  readonly mode?: number;
  /** Group to give the file to; undefined: as the system has it. */
  readonly group?: number;
  /** Most bytes that the file may grow to. Default 64 MiB. */
  readonly maxBytes?: number;
}

/**
 * The cap is for memory cgroups: pages of a tmpfs count there, and end in the OOM killer and not in ENOSPC (ran). A
 * counter takes 8 bytes and a record of 44 bytes and its label values; a histogram 8 × (buckets + 2) and the same; so
 * that 64 MiB hold about 600,000 counters or 300,000 histograms of 11 buckets.
 */
export const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
