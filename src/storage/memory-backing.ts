import type { Backing } from '../metrics-file/backing.js';
import { memoryBlock } from './value-blocks.js';

/** A backing without a file: for one process without a directory. */
export class MemoryBacking implements Backing {
  readonly kind = 'memory';
  readonly publishedAt = Infinity;
  addValueBlock = memoryBlock;
  append(): boolean {
    return true;
  }
  beginLog(): undefined {}
  flush(): boolean {
    return true;
  }
  report(): void {}
  close(): void {}
}
