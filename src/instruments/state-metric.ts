import type { LabelValues } from '../registry/metric-object.js';
import type { GaugeChild } from './gauge.js';
import { Metric } from './metric.js';

/** A metric whose series have labels that it adds itself: Info and StateSet. `View` is the metric for fixed labels. */
export abstract class StateMetric<T extends string, View> extends Metric<T, GaugeChild> {
  /** Returns the metric for one set of label values, given in the order of `labelNames` or as an object. */
  labels(...values: (string | number)[]): View;
  labels(labels: LabelValues<T>): View;
  labels(...args: unknown[]): View {
    return this.viewOf({ ...this.series.givenLabels(args) } as LabelValues<T>);
  }

  /** Removes all series of these labels. */
  remove(...values: (string | number)[]): void;
  remove(labels: LabelValues<T>): void;
  remove(...args: unknown[]): void {
    for (const child of this.childrenOf(this.series.givenLabels(args))) this.series.remove(child);
  }

  protected abstract viewOf(labels: LabelValues<T>): View;
  protected abstract childrenOf(labels: Readonly<Record<string, unknown>>): GaugeChild[];
}
