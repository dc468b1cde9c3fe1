/** The values and exemplars of the lines of a merged series: every output uses this code. */
import type { Exemplar } from '../model/metric-family.js';
import type { MergedCells, MergedFamily } from './merged-family.js';

/** Writes the values of a series' lines from `at` on; returns the position behind them. */
export function writeValues(
  index: MergedCells,
  family: MergedFamily,
  series: number,
  values: Float64Array,
  at: number,
): number {
  if (!family.isGauge) {
    const { cells, cellOf, sketches } = index;
    return family.kind.writeValues(cells, cellOf[series], family, sketches.get(series), values, at);
  }
  values[at] = index.gaugeValue(series, family.mode);
  return at + 1;
}

/** The exemplar of a line of a series, for lines that may have one. */
export function exemplarAt(index: MergedCells, series: number, line: number): Exemplar | undefined {
  return index.exemplars.get(index.cellOf[series] + line);
}
