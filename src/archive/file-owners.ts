import type { DataFileName } from '../directory/file-name.js';
import { isProcessOver } from '../directory/liveness.js';
import type { ProcessIdentity } from '../metrics-file/layout.js';
import { processKey } from '../metrics-file/process-key.js';
import type { FoldSkip } from './fold-result.js';

/** Files that this process cannot read for such a reason may count for others. */
const MAY_BE_READ_BY_OTHERS: ReadonlySet<FoldSkip> = new Set(['permission', 'version', 'other']);

/** Which process each file of a directory is of. */
export class FileOwners {
  readonly #processes = new Map<DataFileName, string>();
  #anyUnknown = false;

  add(name: DataFileName, identity: ProcessIdentity): void {
    this.#processes.set(name, processKey(identity));
  }

  /** A file that could not be read. */
  addUnread(reason: FoldSkip): void {
    this.#anyUnknown ||= MAY_BE_READ_BY_OTHERS.has(reason);
  }

  /**
   * Tells of a process whether it has no files but those that are folded, and will make none.
   *
   * @param now seconds since the epoch
   */
  processesOver(folded: Iterable<DataFileName>, now: number): (process: string, lastSeenAt: number) => boolean {
    const left = new Map(this.#processes);
    for (const name of folded) left.delete(name);
    const present = new Set(left.values());
    return (process, lastSeenAt) =>
      !this.#anyUnknown && !present.has(process) && isProcessOver(process, lastSeenAt, now);
  }
}
