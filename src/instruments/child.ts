import type { LabelValues } from '../registry/metric-object.js';
import { Series } from '../storage/series.js';
import type { MetricSeries } from './metric-series.js';

/**
 * One series of a metric as its user holds it: what `labels()` answers with.
 *
 * It gets its slots at the first write, and again at the first write after it was removed. Any number of children may have
 * been handed out for the same labels before that; the first one to be written to has the series, and the others write
 * through it.
 */
export abstract class Child extends Series {
  /** The child that has the series of these labels, if this one has not. */
  twin: this | undefined = undefined;

  constructor(home: MetricSeries<any>, labelValues: readonly (string | undefined)[]) {
    super(home.stored, labelValues);
  }

  /** The series of the metric. Writes need it only where they are unusual, so that it takes no field of every child. */
  get home(): MetricSeries<any> {
    return this.family.owner as MetricSeries<any>;
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
