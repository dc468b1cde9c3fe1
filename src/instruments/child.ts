import type { LabelValues } from '../registry/metric-object.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import { Series } from '../storage/series.js';
import type { SeriesStore } from '../storage/series-store.js';
import type { StoredFamily } from '../storage/stored-family.js';

/** The part of a metric that its children use; `metric-series.ts` implements it. */
export interface ChildHome {
  readonly declaration: FamilyDeclaration;
  /** Whether the samples of the metric may carry exemplars. */
  readonly exemplars: boolean;
  readonly stored: ChildFamily;
  readonly store: SeriesStore;
  /**
   * Returns the child that owns the series of a detached child's labels: the same child with new slots, or another one that
   * got the slots before; undefined where `maxSeries` allows no more series, and the sample is dropped.
   */
  attached(child: Child): Child | undefined;
  /** Returns the child of a label object. @throws {Error} prom-client's error, where a label was not declared */
  ofObject(labels: Readonly<Record<string, unknown>>): Child;
  /** Counts a sample that cannot be added to the stored value, and logs the first one of the metric. */
  dropUncountable(value: number): false;
  objectOf(labelValues: readonly (string | undefined)[]): Record<string, string>;
}

export type ChildFamily = StoredFamily<Child, ChildHome>;

/**
 * A user's handle of one series of a metric; `labels()` returns it.
 *
 * It gets its slots at the first write, and again at the first write after it was removed. Before that, several children may
 * exist for the same labels. The first one that is written to owns the series, and the others write through it.
 */
export abstract class Child extends Series {
  /** The child that owns the series of these labels, if this one does not. */
  twin: this | undefined = undefined;
  declare family: ChildFamily;

  constructor(home: ChildHome, labelValues: readonly (string | undefined)[]) {
    super(home.stored, labelValues);
  }

  /** The series of the metric. Only unusual writes need it, so it is a getter and takes no field in every child. */
  get home(): ChildHome {
    return this.family.owner;
  }

  /** The child that owns the slots; undefined if there are none left and the sample is dropped. */
  protected get written(): this | undefined {
    return this.index >= 0 ? this : (this.home.attached(this) as this | undefined);
  }

  /** Returns the child with more labels, which a timer gets at its end. They override labels of the same name. */
  protected with(labels: LabelValues<string> | undefined): this {
    return labels === undefined
      ? this
      : (this.home.ofObject({ ...this.home.objectOf(this.labelValues), ...labels }) as this);
  }
}
