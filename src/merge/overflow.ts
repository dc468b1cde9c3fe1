import { capped } from '../model/capped-sum.js';
import type { MergedFamily } from './merged-family.js';

/** The values of merged series, as an index has them. */
interface Sums {
  readonly cells: Float64Array;
  readonly cellOf: readonly number[];
  isReferenced(series: number): boolean;
}

/**
 * Sums of finite values may be beyond the largest number. Each such sum becomes the largest number, since infinity would be
 * wrong and a missing series would look like an ended one. The fold does the same.
 *
 * @returns the names of metrics with such sums
 */
export function capSums(families: Iterable<MergedFamily>, sums: Sums): ReadonlySet<string> {
  const names = new Set<string>();
  const { cells, cellOf } = sums;
  if (!hasInfinite(cells)) return names;
  for (const family of families) {
    // a gauge may be any number
    if (family.isGauge) continue;
    for (const series of family.series) {
      if (!sums.isReferenced(series)) continue;
      const first = cellOf[series];
      for (let cell = first; cell < first + family.cells; cell++) {
        if (Number.isFinite(cells[cell])) continue;
        cells[cell] = capped(cells[cell]);
        names.add(family.name);
      }
    }
  }
  return names;
}

/** A loop, since `every` takes eight times as long. */
function hasInfinite(cells: Float64Array): boolean {
  for (let cell = 0; cell < cells.length; cell++) if (Math.abs(cells[cell]) === Infinity) return true;
  return false;
}
