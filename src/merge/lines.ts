/** Which lines a merged series has, and what their values are: one place for every output. */
import { formatCanonicalNumber, formatNumber } from '../exposition/number.js';
import type { Exemplar } from '../model/metric-family.js';
import { createdName, infoBaseName } from '../model/naming.js';
import type { MergedFamily } from './merged-family.js';
import type { MergeIndex } from './merge-index.js';

/** What a line has beside the labels of its series. */
export interface LineName {
  readonly name: string;
  /** `le` and `quantile`; they stand before the other labels, as in prom-client. */
  readonly label?: { readonly name: string; readonly value: string };
}

/** The lines of each series of a family, in their order. `strict`: bounds as OpenMetrics spells floats. */
export function lineNames(family: MergedFamily, strict = false): LineName[] {
  const { name } = family;
  const spell = strict ? formatCanonicalNumber : formatNumber;
  switch (family.type) {
    case 'histogram':
      return [
        ...[...family.bounds, Infinity].map((bound) => ({
          name: `${name}_bucket`,
          label: { name: 'le', value: spell(bound) },
        })),
        { name: `${name}_sum` },
        { name: `${name}_count` },
      ];
    case 'summary':
      return [
        ...family.quantiles.map((quantile) => ({ name, label: { name: 'quantile', value: spell(quantile) } })),
        { name: `${name}_sum` },
        { name: `${name}_count` },
      ];
    case 'info':
      return [{ name: `${infoBaseName(name)}_info` }];
    default:
      return [{ name }];
  }
}

/** Writes the values of a series' lines from `at` on; answers where the next go. */
export function writeValues(
  index: MergeIndex,
  family: MergedFamily,
  series: number,
  values: Float64Array,
  at: number,
): number {
  const { cells } = index;
  const cell = index.cellOf[series];
  switch (family.type) {
    case 'counter':
      values[at] = cells[cell];
      return at + 1;
    case 'histogram': {
      const buckets = family.bounds.length + 1;
      let count = 0;
      for (let bucket = 0; bucket < buckets; bucket++) {
        count += cells[cell + bucket];
        values[at + bucket] = count;
      }
      values[at + buckets] = cells[cell + buckets];
      values[at + buckets + 1] = count;
      return at + buckets + 2;
    }
    case 'summary': {
      const [sum, count] = [cells[cell], cells[cell + 1]];
      const sketch = index.sketches.get(series);
      for (const quantile of sketch?.quantiles(family.quantiles, sum / count) ?? family.quantiles.map(() => 0)) {
        values[at++] = quantile ?? 0;
      }
      values[at] = sum;
      values[at + 1] = count;
      return at + 2;
    }
    default:
      values[at] = index.gaugeValue(series, family.mode);
      return at + 1;
  }
}

/** Per line of the series, from `at` on, what exemplar stands behind it; nothing where there is none. */
export function writeExemplars(
  index: MergeIndex,
  family: MergedFamily,
  series: number,
  at: number,
  write: (line: number, exemplar: Exemplar) => void,
): void {
  const cell = index.cellOf[series];
  const lines = family.type === 'counter' ? 1 : family.type === 'histogram' ? family.bounds.length + 1 : 0;
  for (let line = 0; line < lines; line++) {
    const exemplar = index.exemplars.get(cell + line);
    if (exemplar !== undefined) write(at + line, exemplar);
  }
}

/** `jobs_created` of `jobs_total`; undefined for types that have none. */
export function createdLineName(family: MergedFamily): string | undefined {
  const { type, name } = family;
  return type === 'counter' || type === 'histogram' || type === 'summary' ? createdName(name, type) : undefined;
}
