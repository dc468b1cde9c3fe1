import type { FamilyRecord } from '../metrics-file/record.js';
import type { MergedFamily } from './merged-family.js';
import type { MergeIndex } from './merge-index.js';

/** What a file declares: the newest record of a family, and where it is merged. */
export interface DeclaredFamily {
  readonly record: FamilyRecord;
  /** Undefined where no registry shows it. */
  readonly merged: MergedFamily | undefined;
}

interface Counted extends DeclaredFamily {
  /** How many records the log has had of it. */
  readonly count: number;
  /** How many of them were met since the log was last taken in from its beginning. */
  met: number;
}

/**
 * One file's declarations, kept while its log is taken in again from the beginning: what was declared last holds from the
 * start then, or a family that is shown elsewhere later would be merged under its first registries, and found to be wrong,
 * again and again. Default labels are treated in the same way.
 */
export class DeclaredFamilies {
  readonly #index: MergeIndex;
  readonly #families = new Map<number, Counted>();
  readonly #defaults = new Map<string, { labels: Readonly<Record<string, string>>; count: number; met: number }>();

  constructor(index: MergeIndex) {
    this.#index = index;
  }

  /** The log is taken in from its beginning: the same as before, or one that began anew and says everything once. */
  restart(isSameLog: boolean): void {
    for (const [id, declared] of this.#families) {
      this.#families.set(id, { ...declared, count: isSameLog ? declared.count : 0, met: 0 });
    }
    for (const said of this.#defaults.values()) {
      said.met = 0;
      if (!isSameLog) said.count = 0;
    }
  }

  /** Takes one record in; answers what holds for its family. */
  declare(record: FamilyRecord): DeclaredFamily {
    const before = this.#families.get(record.id);
    if (before !== undefined && ++before.met <= before.count) return before;
    if (before?.merged !== undefined) this.#index.retract(before.merged, before.record);
    const merged = this.#index.declare(record);
    const count = (before?.count ?? 0) + 1;
    const declared = { record, merged, count, met: count };
    this.#families.set(record.id, declared);
    return declared;
  }

  /** Takes back what a log that began anew has not declared again; to be called when it was taken in to its end. */
  retractUnmet(): void {
    for (const [id, { record, merged, met }] of this.#families) {
      if (met > 0) continue;
      if (merged !== undefined) this.#index.retract(merged, record);
      this.#families.delete(id);
    }
  }

  retractAll(): void {
    for (const { record, merged } of this.#families.values()) {
      if (merged !== undefined) this.#index.retract(merged, record);
    }
    this.#families.clear();
  }

  setDefaultLabels(registry: string, labels: Readonly<Record<string, string>>): void {
    const said = this.#defaults.get(registry);
    if (said === undefined) this.#defaults.set(registry, { labels, count: 1, met: 1 });
    else if (++said.met > said.count) {
      said.count = said.met;
      said.labels = labels;
    }
  }

  defaultLabels(registry: string): Readonly<Record<string, string>> {
    return this.#defaults.get(registry)?.labels ?? {};
  }

  /** Tells whether any default labels have changed. */
  defaultsFingerprint(): string {
    return JSON.stringify([...this.#defaults].map(([registry, { labels }]) => [registry, labels]));
  }
}
