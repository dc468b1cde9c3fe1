/** Where a store keeps its slots and its log: the file of this process (writer.ts), or plain memory. */
import type { ValueBlockKind } from './layout.js';

/** A run of float64 slots, in the file or (while there is no room) in memory. */
export interface ValueBlock {
  readonly kind: ValueBlockKind;
  /** Number of the block in the file, from 0, value and key blocks together; -1 for a block in memory. */
  readonly number: number;
  readonly view: Float64Array;
  /** Tells readers that the first `slots` slots are in use. */
  publishUsed(slots: number): void;
}

export interface StoreStatus {
  readonly liveSeries: number;
  /** Bytes of slots that are in memory for lack of room in the file. */
  readonly bytesInMemory: number;
  /** Samples that `maxSeries` has refused since the process started. */
  readonly droppedSamples: number;
}

/** A log that no reader sees yet. Meanwhile readers follow the present log. */
export interface LogDraft {
  /** False where there is no room. */
  append(record: Uint8Array): boolean;
  /** Makes it the log that readers follow. */
  publish(): void;
  discard(): void;
}

/** No method throws: the result tells whether there was room. */
export interface Backing {
  readonly kind: 'memory' | 'mapped' | 'written';
  /** Adds a block of zeroed slots; undefined where there is no room. */
  addValueBlock(kind: ValueBlockKind, slots: number): ValueBlock | undefined;
  /**
   * `performance.now()` of the moment up to which published records have reached readers; Infinity where they do at once.
   */
  readonly publishedAt: number;
  /** Appends a record to the log and publishes it; false where there is no room. */
  append(record: Uint8Array): boolean;
  /**
   * Begins a log that is to replace the present one; undefined where that is not possible now. Drops an unpublished draft.
   */
  beginLog(): LogDraft | undefined;
  /** Writes everything to the file, where the backing does not do so by itself. False where a part was not written. */
  flush(): boolean;
  /** Updates the counts that `ps` and the self-metrics show of this process. */
  report(status: StoreStatus): void;
  close(): void;
}
