/**
 * How the series of one file takes part in expiry: it is in use; the process has marked it as idle; or it is of an archive,
 * and the processes that counted in it have been gone for its time of expiry.
 */
export type Use = 'active' | 'marked' | 'past';

/** By merged series: the number of its references that are not active. */
export class IdleReferences {
  readonly #counts = new Map<number, Record<Exclude<Use, 'active'>, number>>();

  clear(): void {
    this.#counts.clear();
  }

  /** Adds or removes a reference. @returns whether that may show or hide the series */
  note(series: number, use: Use, change: 1 | -1): boolean {
    if (use === 'active' && this.#counts.size === 0) return false;
    let counts = this.#counts.get(series);
    if (use === 'active') return counts !== undefined;
    if (counts === undefined) this.#counts.set(series, (counts = { marked: 0, past: 0 }));
    counts[use] += change;
    if (counts.marked + counts.past === 0) this.#counts.delete(series);
    return true;
  }

  /** The series that have such references. */
  series(): Iterable<number> {
    return this.#counts.keys();
  }

  /** Whether a process has marked the series, and no other file has it in use. */
  isIdle(series: number, references: number): boolean {
    const counts = this.#counts.get(series);
    return counts !== undefined && counts.marked > 0 && counts.marked + counts.past >= references;
  }
}
