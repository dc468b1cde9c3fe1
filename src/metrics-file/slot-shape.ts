import type { FamilyDeclaration } from '../model/family-declaration.js';
import { BlockKind, EXEMPLAR, SKETCH, type ValueBlockKind } from './layout.js';

/** Which kind of block slots are in, and how many consecutive float64 they are. */
export interface SlotShape {
  readonly kind: ValueBlockKind;
  readonly slots: number;
}

/** The slots of one series, by the type of its family; the same on both arms. */
export function seriesShape(declaration: FamilyDeclaration): SlotShape {
  switch (declaration.type) {
    case 'counter':
      return { kind: BlockKind.Sum, slots: 1 };
    case 'summary':
      // sum, count
      return { kind: BlockKind.Sum, slots: 2 };
    case 'histogram':
      // a count per bound, one for +Inf, the sum
      return { kind: BlockKind.Histogram, slots: (declaration.bounds?.length ?? 0) + 2 };
    default:
      // value, set-at
      return { kind: BlockKind.Gauge, slots: 2 };
  }
}

/** The slots of one chunk of a sketch with that many windows. */
export function sketchChunkShape(windows: number): SlotShape {
  return { kind: BlockKind.Sketch, slots: windows * SKETCH.windowSlots };
}

export const EXEMPLAR_SHAPE: SlotShape = {
  kind: BlockKind.Exemplar,
  slots: EXEMPLAR.bytes / Float64Array.BYTES_PER_ELEMENT,
};
