/** Reads a directory with a collector, for tests of the file and of the merge. */
import { DirectoryCollection } from '../../src/collector/collection.js';
import type { CollectionStats } from '../../src/collector/report.js';
import { mergedFamilies, MergedBody, type OutputOptions } from '../../src/collector/merged-output.js';
import { FALLBACK, formatOf } from '../../src/exposition/formats.js';
import type { SelectedFamilies } from '../../src/merge/selected-families.js';
import type { MetricFamily } from '../../src/model/metric-family.js';
import { completed } from '../../src/time-slices.js';

/** Reads the same directory again and again. */
export class Reading {
  readonly #collection: DirectoryCollection;
  readonly #selected: SelectedFamilies;
  readonly #bodies = new Map<string, MergedBody>();

  constructor(
    dir: string,
    readonly options: OutputOptions = {},
    deadRetentionSeconds = Infinity,
    registries: readonly string[] | 'all' = 'all',
  ) {
    this.#collection = new DirectoryCollection({ dir, deadRetentionSeconds, maxOpenFiles: 100 });
    this.#selected = this.#collection.select({ registries });
  }

  /** Collects, and returns the families in the order of the output. */
  families(): MetricFamily[] {
    this.collect();
    return completed(mergedFamilies(this.#selected, this.options));
  }

  text(format: string = FALLBACK.name): string {
    return Buffer.from(this.body(format)).toString();
  }

  /** @returns memory that the next call overwrites */
  body(format: string): Uint8Array {
    this.collect();
    let body = this.#bodies.get(format);
    if (body === undefined) {
      body = new MergedBody(this.#selected, formatOf(format), this.options);
      this.#bodies.set(format, body);
    }
    return completed(body.render([]));
  }

  /** Returns values by `name{label="value"}`. */
  values(): Record<string, number> {
    return valuesOf(this.families());
  }

  get stats(): CollectionStats {
    return this.#collection.stats(this.#selected);
  }

  close(): void {
    this.#collection.close();
  }

  collect(): void {
    completed(this.#collection.collect());
    completed(this.#selected.update());
  }
}

/** Selects all families of a collection. */
export function selectAll(collection: DirectoryCollection): SelectedFamilies {
  const selected = collection.select({ registries: 'all' });
  completed(selected.update());
  return selected;
}

/** Reads a directory once. */
export function valuesIn(dir: string, deadRetentionSeconds = Infinity): Record<string, number> {
  const reading = new Reading(dir, {}, deadRetentionSeconds);
  try {
    return reading.values();
  } finally {
    reading.close();
  }
}

function valuesOf(families: readonly MetricFamily[]): Record<string, number> {
  const lines = families.flatMap(({ samples }) =>
    samples.map(({ name, labels, value }): [string, number] => {
      const pairs = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(text)}`);
      return [pairs.length === 0 ? name : `${name}{${pairs.join()}}`, value];
    }),
  );
  return Object.fromEntries(lines);
}
