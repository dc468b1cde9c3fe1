/** The metrics that living processes declare, and their series of the metrics whose archived series may expire. */
import { BlockKind } from '../metrics-file/layout.js';
import type { FamilyRecord } from '../metrics-file/record.js';
import { seriesShape } from '../metrics-file/slot-shape.js';
import type { FoldSource } from './fold-source.js';

export class LivingFamilies {
  /** By name, the longest `expireAfterSeconds` of a declaration; Infinity where one has none. */
  readonly #expiry = new Map<string, number>();
  /** The series, and whether a process uses it: a series that all processes have marked as idle does not keep its archived part. */
  readonly #series = new Map<string, boolean>();

  add(source: FoldSource): void {
    const expiring = new Map<number, FamilyRecord>();
    for (const [id, record] of source.families) {
      const { name, expireAfterSeconds = Infinity } = record;
      this.#expiry.set(name, Math.max(this.#expiry.get(name) ?? 0, expireAfterSeconds));
      const isGauge = seriesShape(record).kind === BlockKind.Gauge;
      if (record.expireAfterSeconds !== undefined && !isGauge) expiring.set(id, record);
    }
    for (const series of source.series()) {
      const record = expiring.get(series.family);
      if (record === undefined) continue;
      const labels = source.addedLabels(record);
      const values = source.labelValuesOf(series);
      record.labelNames.forEach((label, at) => {
        const value = values[at];
        if (value !== undefined) labels.set(label, value);
      });
      const key = seriesKey(record.name, labels);
      this.#series.set(key, this.#series.get(key) === true || series.endedAt === 0);
    }
  }

  declares(name: string): boolean {
    return this.#expiry.has(name);
  }

  /** Seconds; 0 where no living process declares the metric. */
  expiryOf(name: string): number {
    return this.#expiry.get(name) ?? 0;
  }

  /**
   * Whether a process uses a series; undefined where no process has it.
   *
   * @param labels with those that an archive holds as part of every series
   */
  isUsed(name: string, labels: Iterable<readonly [name: string, value: string | undefined]>): boolean | undefined {
    return this.#series.get(seriesKey(name, labels));
  }
}

/** The same for the same labels in any order. */
function seriesKey(name: string, labels: Iterable<readonly [name: string, value: string | undefined]>): string {
  const pairs = [...labels].filter(([, value]) => value !== undefined && value !== '');
  return JSON.stringify([name, ...pairs.toSorted(([a], [b]) => (a < b ? -1 : 1))]);
}
