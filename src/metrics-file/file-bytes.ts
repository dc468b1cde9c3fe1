/**
 * The bytes of the file that this process writes. Two implementations: mapped (mapped-bytes.ts) and, where there is no
 * mmap, memory that a timer writes to the file (written-bytes.ts).
 */
export interface FileBytes {
  readonly kind: 'mapped' | 'written';
  readonly path: string;
  readonly length: number;
  /** Adds `length` zeroed bytes with disk space behind them at the end. Undefined where there is no room; never throws. */
  extend(length: number): Uint8Array | undefined;
  /** Why `extend` last returned undefined, or `flush` false. */
  readonly lastError: Error | undefined;
  /**
   * Whether a published word reaches readers at once. Where it does not, a log must not be replaced twice between two
   * flushes: the first new log would overwrite the one that readers still follow.
   */
  readonly immediate: boolean;
  /** Renames the file to its own name: from here on readers find it. @throws the system's error */
  publish(path: string): void;
  /**
   * Writes everything to the file. False where a part was not written: `lastError` has the reason, and the next call
   * continues.
   */
  flush(): boolean;
  /**
   * The slots of a value block as they are in the file, by the block's number; undefined where only the file itself has
   * them.
   */
  fileSlots(block: number): Float64Array | undefined;
  /** Whether the inode still has a name; undefined where the system cannot tell. */
  isLinked(): boolean | undefined;
  /**
   * False where another program has truncated the file or written over its header, so that readers refuse it. The mapping
   * is not touched until the file is long enough again: a store behind the end of the file would kill the process.
   */
  isIntact(): boolean;
  /** Sets the modification time to now: stores through a mapping do not change it. */
  touch(): void;
  /** Closes the descriptors, which gives up the lock. The bytes may still be written to, without effect. */
  close(): void;
}

/** How a file is created: under a temporary name, readable by its owner alone unless `mode` differs. */
export interface CreateOptions {
  readonly temporaryPath: string;
  /** Default 0o600. */
  readonly mode?: number;
  /** Group of the file; undefined: the system's default. */
  readonly group?: number;
  /** The file does not grow beyond this many bytes. Default 64 MiB. */
  readonly maxBytes?: number;
}

/**
 * The cap protects memory cgroups: pages of a tmpfs count there, and the limit ends in the OOM killer and not in ENOSPC
 * (tested). A counter takes 8 bytes plus a record of 44 bytes and its label values; a histogram takes 8 × (buckets + 2) bytes
 * plus the same record. So 64 MiB hold about 600,000 counters or 300,000 histograms of 11 buckets.
 */
export const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;
