import type { FamilyRecord } from '../metrics-file/record.js';
import type { MergedFamily } from './merged-family.js';
import type { MergeIndex } from './merge-index.js';

/** The declaration of a family in one file: the newest record, and the merged family that it belongs to. */
export interface DeclaredFamily {
  readonly record: FamilyRecord;
  /** Undefined where no registry shows it. */
  readonly merged: MergedFamily | undefined;
}

interface Counted extends DeclaredFamily {
  /** Number of its records in the log. */
  readonly count: number;
  /** Number of them since the log was last read from its beginning. */
  met: number;
}

/**
 * The declarations of one file. They are kept while its log is read again from the beginning, so that the last declaration
 * counts from the start. Otherwise a family that other registries show later would be merged under its first registries,
 * and found to be wrong, again and again. Default labels are treated in the same way.
 */
export class DeclaredFamilies {
  readonly #index: MergeIndex;
  readonly #families = new Map<number, Counted>();
  readonly #defaults = new Map<string, { labels: Readonly<Record<string, string>>; count: number; met: number }>();

  constructor(index: MergeIndex) {
    this.#index = index;
  }

  /** The log is read from its beginning: the same log, or a new one that has every declaration once. */
  restart(isSameLog: boolean): void {
    for (const [id, declared] of this.#families) {
      this.#families.set(id, { ...declared, count: isSameLog ? declared.count : 0, met: 0 });
    }
    for (const declared of this.#defaults.values()) {
      declared.met = 0;
      if (!isSameLog) declared.count = 0;
    }
  }

  /** Adds one record; returns the declaration of its family that counts. */
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

  /** Retracts declarations that a new log does not repeat; call it when the whole log has been read. */
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
    const declared = this.#defaults.get(registry);
    if (declared === undefined) this.#defaults.set(registry, { labels, count: 1, met: 1 });
    else if (++declared.met > declared.count) {
      declared.count = declared.met;
      declared.labels = labels;
    }
  }

  defaultLabels(registry: string): Readonly<Record<string, string>> {
    return this.#defaults.get(registry)?.labels ?? {};
  }

  /** Changes when any default labels change. */
  defaultsFingerprint(): string {
    return JSON.stringify([...this.#defaults].map(([registry, { labels }]) => [registry, labels]));
  }
}
