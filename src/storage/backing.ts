import type { ValueBlockKind } from '../metrics-file/layout.js';
import { memoryBlock, type ValueBlock } from './value-blocks.js';

/** Where slots are and where the log goes. Nothing here throws: no room is an answer. */
export interface Backing {
  readonly kind: 'memory' | 'mapped' | 'written';
  addValueBlock(kind: ValueBlockKind, slots: number): ValueBlock | undefined;
  /** `performance.now()` up to which what was published has reached readers; not there where that is at once. */
  readonly publishedAt?: number;
  /** Publishes one record of the log; false where there is no room. */
  append(record: Uint8Array): boolean;
  /**
   * Starts the log anew: `write` appends what is alive through the function it is given, which answers false where there
   * is no room. False: the old log stays as it is.
   */
  restartLog(write: (append: (record: Uint8Array) => boolean) => boolean): boolean;
  /** What `ps` and the self-metrics show of this process. */
  report(status: StoreStatus): void;
  close(): void;
}

export interface StoreStatus {
  readonly liveSeries: number;
  /** Bytes of slots that are in memory for want of room in the file. */
  readonly bytesInMemory: number;
  /** Samples refused since the process started, for `maxSeries`. */
  readonly droppedSamples: number;
}

/** No file: one process without a directory. */
export class MemoryBacking implements Backing {
  readonly kind = 'memory';
  addValueBlock = memoryBlock;
  append(): boolean {
    return true;
  }
  restartLog(): boolean {
    return false;
  }
  report(): void {}
  close(): void {}
}
