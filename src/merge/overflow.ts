import { capped, MAX_COUNT } from '../model/capped-sum.js';
import type { MergedCells, MergedFamily } from './merged-family.js';
import type { NativeCells } from './native-cells.js';
import { classicOnlyCell, observationsOf } from './native-series.js';

/** The values of merged series, as an index has them. */
interface Sums extends Pick<MergedCells, 'cells' | 'cellOf'> {
  readonly native: NativeCells;
  isReferenced(series: number): boolean;
}

/**
 * Sums of finite values may be beyond the largest number. Each such sum becomes the largest number, since infinity would be
 * wrong and a missing series would look like an ended one. The fold does the same.
 *
 * @returns the number of series with such sums, by the names of their metrics
 */
export function capSums(families: Iterable<MergedFamily>, sums: Sums): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const anyInfinite = hasInfinite(sums.cells);
  for (const family of families) {
    // a gauge may be any number
    if (family.isGauge || (!anyInfinite && family.native === undefined)) continue;
    for (const series of family.series) {
      if (!sums.isReferenced(series)) continue;
      const isCapped = [anyInfinite && capSeries(family, series, sums), capBins(family, series, sums)];
      if (isCapped.includes(true)) found.set(family.name, (found.get(family.name) ?? 0) + 1);
    }
  }
  return found;
}

function capSeries(family: MergedFamily, series: number, { cells, cellOf }: Sums): boolean {
  let isCapped = false;
  const first = cellOf[series];
  for (let cell = first; cell < first + family.cells; cell++) {
    if (Number.isFinite(cells[cell])) continue;
    cells[cell] = capped(cells[cell]);
    isCapped = true;
  }
  return isCapped;
}

/**
 * Above 2^53 the sum of the bins depends on the order of addition, and Prometheus refuses an exposition with a native
 * histogram whose count is not the sum of its bins. The bins above the largest exact sum lose the rest of their counts.
 */
function capBins(family: MergedFamily, series: number, sums: Sums): boolean {
  const { native, bounds, hasClassicOnly } = family;
  if (native === undefined || observationsOf(sums, family, series) < MAX_COUNT) return false;
  let room = MAX_COUNT;
  const cap = (cells: Float64Array, from: number, slots: number): void => {
    for (let cell = from; cell < from + slots; cell++) {
      if (cells[cell] > room) cells[cell] = room;
      room -= cells[cell];
    }
  };
  for (const { cell, slots } of sums.native.of(series)) cap(sums.native.cells, cell, slots);
  if (hasClassicOnly) cap(sums.cells, classicOnlyCell(sums.cellOf[series], bounds), bounds.length + 1);
  sums.native.recount(series);
  // the cells are no longer the sums of the files
  sums.native.invalidate();
  return room === 0;
}

/** A loop, since `every` takes eight times as long. */
function hasInfinite(cells: Float64Array): boolean {
  for (let cell = 0; cell < cells.length; cell++) if (Math.abs(cells[cell]) === Infinity) return true;
  return false;
}
