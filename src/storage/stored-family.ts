import type { ValueBlockKind } from '../metrics-file/layout.js';
import { seriesShape } from '../metrics-file/slot-shape.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import { LabelIndex } from './label-index.js';
import type { Series } from './series.js';

/** A metric as its store knows it: what was declared, where it is shown, and its series. */
export class StoredFamily {
  readonly series: LabelIndex<Series>;
  /** The kind of block that the series' own slots are in, and how many there are. */
  readonly kind: ValueBlockKind;
  readonly slots: number;
  published = false;
  /** Whose series these are, for the children that look for it; the store does not. */
  owner: unknown = undefined;
  /** Said once that `maxSeries` was reached. */
  saidFull = false;

  constructor(
    readonly id: number,
    readonly declaration: FamilyDeclaration,
    /** Names of the registries that show it. */
    public registries: readonly string[],
    /** Seconds since the epoch. */
    readonly declaredAt: number,
    /** Most series that it may have. */
    readonly maxSeries: number,
  ) {
    this.series = new LabelIndex(declaration.labelNames);
    const shape = seriesShape(declaration);
    this.kind = shape.kind;
    this.slots = shape.slots;
  }
}
