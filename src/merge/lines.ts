/** The values and exemplars of the lines of a merged series: every output uses this code. */
import type { Exemplar } from '../model/metric-family.js';
import type { MergedCells, MergedFamily } from './merged-family.js';
import { writeNativeSeries } from './native-series.js';

/** Writes the values of a series' lines from `at` on; returns the position behind them. */
export function writeValues(
  index: MergedCells,
  family: MergedFamily,
  series: number,
  values: Float64Array,
  at: number,
): number {
  if (family.native !== undefined) return writeNativeSeries(index, family, series, values, at);
  if (!family.isGauge) {
    const { cells, cellOf, sketches } = index;
    return family.kind.writeValues(cells, cellOf[series], family, sketches.get(series), values, at);
  }
  values[at] = index.gaugeValue(series, family.mode);
  return at + 1;
}

/** The exemplar of a line of a series, for lines that may have one. */
export function exemplarAt(
  index: MergedCells,
  { hasClassicOnly, bounds }: MergedFamily,
  series: number,
  line: number,
): Exemplar | undefined {
  const cell = index.cellOf[series] + line;
  const exemplar = index.exemplars.get(cell);
  return exemplar === undefined && hasClassicOnly ? index.exemplars.get(cell + bounds.length + 2) : exemplar;
}
