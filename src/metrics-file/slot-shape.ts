import { type MetricKind, metricKind, type SeriesLayout } from '../model/metric-kind.js';
import type { MetricType } from '../model/metric-family.js';
import { BlockKind, type ValueBlockKind } from './layout.js';

/** The kind of block that slots are in, and their number of consecutive float64. */
export interface SlotShape {
  readonly kind: ValueBlockKind;
  readonly slots: number;
}

/** Value, set-at. */
export const GAUGE_SHAPE: SlotShape = { kind: BlockKind.Gauge, slots: 2 };

/** The slots of one series, by the type of its family: writers and readers both use this. */
export function seriesShape(declaration: SeriesLayout & { readonly type: MetricType }): SlotShape {
  const kind = metricKind(declaration.type);
  return { kind: BLOCKS[kind.block], slots: kind.slots(declaration) };
}

const BLOCKS: Readonly<Record<MetricKind['block'], ValueBlockKind>> = {
  sum: BlockKind.Sum,
  histogram: BlockKind.Histogram,
  gauge: BlockKind.Gauge,
};
