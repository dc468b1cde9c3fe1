import type { DataFileName } from '../directory/file-name.js';
import { isProcessOver } from '../directory/liveness.js';
import { isSkippedByAll, type SkipReason } from '../directory/skip-reason.js';
import type { ProcessIdentity } from '../metrics-file/layout.js';
import { processKey } from '../metrics-file/process-key.js';

/** Maps the files of a directory to their processes. */
export class FileOwners {
  readonly #processes = new Map<DataFileName, string>();
  #anyUnknown = false;

  add(name: DataFileName, identity: ProcessIdentity): void {
    this.#processes.set(name, processKey(identity));
  }

  /** Adds a file that could not be read. */
  addUnread(reason: SkipReason): void {
    this.#anyUnknown ||= !isSkippedByAll(reason);
  }

  /** Returns a function that tells whether a process has no files except the folded ones, and will create none. */
  processesOver(folded: Iterable<DataFileName>, now: number): (process: string, lastSeenAt: number) => boolean {
    const left = new Map(this.#processes);
    for (const name of folded) left.delete(name);
    const present = new Set(left.values());
    return (process, lastSeenAt) =>
      !this.#anyUnknown && !present.has(process) && isProcessOver(process, lastSeenAt, now);
  }
}
