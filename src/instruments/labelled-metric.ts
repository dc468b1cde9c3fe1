import type { LabelValues } from '../registry/metric-object.js';
import type { Child } from './child.js';
import type { MetricConfiguration } from './configuration.js';
import { Metric } from './metric.js';
import type { Kind } from './metric-series.js';

/** A metric that has only the labels that its user declared: all types but Info and StateSet. */
export abstract class LabelledMetric<T extends string, C extends Child> extends Metric<T, C> {
  protected readonly unlabelled: C;

  protected constructor(config: MetricConfiguration<T>, kindOf: (labelNames: readonly string[]) => Kind<C>) {
    super(config, kindOf);
    this.unlabelled = this.series.ofValues(this.series.declaration.labelNames.map(() => undefined));
    // before its callback has run, the 0 of a gauge would look like a measurement
    if (this.type !== 'gauge' || this.collect === undefined) this.#showUnlabelled();
  }

  /**
   * Returns the child for label values in the order of `labelNames`, or for a label object.
   *
   * @throws {Error} prom-client's error, where a label was not declared, or where the number of values differs from that of
   * the label names
   */
  labels(...values: (string | number)[]): C;
  labels(labels: LabelValues<T>): C;
  labels(...args: unknown[]): C {
    return this.series.ofArguments(args);
  }

  /** Removes the series of these labels. The next write to it starts from 0. */
  remove(...values: (string | number)[]): void;
  remove(labels: LabelValues<T>): void;
  remove(...args: unknown[]): void {
    this.series.remove(this.series.ofArguments(args));
    // to prom-client a label that is undefined and one that is absent are the same
    const given = Object.entries(this.series.givenLabels(args));
    const present = Object.fromEntries(given.filter(([, value]) => value !== undefined));
    const absent = this.labelNames.filter((name) => !Object.hasOwn(present, name));
    if (absent.length === 0) return;
    this.series.remove(this.series.ofObject(present));
    this.series.remove(
      this.series.ofObject({ ...present, ...Object.fromEntries(absent.map((name) => [name, undefined])) }),
    );
  }

  /** Removes all series; the single series of a metric without labels starts from 0. */
  override reset(): void {
    super.reset();
    this.#showUnlabelled();
  }

  /** Shows the series of a metric without labels from the start. */
  #showUnlabelled(): void {
    const { labelNames, openLabels } = this.series.declaration;
    if (labelNames.length === 0 && openLabels !== true) this.series.attached(this.unlabelled);
  }
}
