import type { LabelValues } from '../registry/metric-object.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import { Series } from '../storage/series.js';
import type { SeriesStore } from '../storage/series-store.js';
import type { StoredFamily } from '../storage/stored-family.js';

/** The part of a metric that its children use: metric-series.ts implements it. */
export interface ChildHome {
  readonly declaration: FamilyDeclaration;
  /** Whether its samples may carry exemplars. */
  readonly exemplars: boolean;
  readonly stored: ChildFamily;
  readonly store: SeriesStore;
  /** The child that has the series of a detached child's labels; undefined where `maxSeries` refuses one more. */
  attached(child: Child): Child | undefined;
  /** The child of a label object. @throws {Error} prom-client's, where a label was not declared */
  ofObject(labels: Readonly<Record<string, unknown>>): Child;
  /** Counts a sample that cannot be added to what was counted, and logs the first one of the metric. */
  dropUncountable(value: number): false;
  /** The label object of label values. */
  objectOf(labelValues: readonly (string | undefined)[]): Record<string, string>;
}

export type ChildFamily = StoredFamily<Child, ChildHome>;

/**
 * One series of a metric as its user holds it: what `labels()` returns.
 *
 * It gets its slots at the first write, and again at the first write after it was removed. Any number of children may have
 * been handed out for the same labels before that; the first one to be written to has the series, and the others write
 * through it.
 */
export abstract class Child extends Series {
  /** The child that has the series of these labels, if this one has not. */
  twin: this | undefined = undefined;
  declare family: ChildFamily;

  constructor(home: ChildHome, labelValues: readonly (string | undefined)[]) {
    super(home.stored, labelValues);
  }

  /** The series of the metric. Writes need it only where they are unusual, so that it takes no field of every child. */
  get home(): ChildHome {
    return this.family.owner;
  }

  /** The child that has the slots; undefined where there are none to be had, and a sample is dropped. */
  protected get written(): this | undefined {
    return this.index >= 0 ? this : (this.home.attached(this) as this | undefined);
  }

  /** The child of this one's labels and some more, which win: what a timer learns at its end. */
  protected with(labels: LabelValues<string> | undefined): this {
    return labels === undefined
      ? this
      : (this.home.ofObject({ ...this.home.objectOf(this.labelValues), ...labels }) as this);
  }
}
