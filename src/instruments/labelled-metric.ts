import type { LabelValues } from '../registry/metric-object.js';
import type { Child } from './child.js';
import type { MetricConfiguration } from './configuration.js';
import { type Kind, Metric } from './metric.js';

/** A metric whose labels are what its user says and nothing more: all but Info and StateSet. */
export abstract class LabelledMetric<T extends string, C extends Child> extends Metric<T, C> {
  /** The child without any label value. */
  protected readonly unlabelled: C;

  protected constructor(config: MetricConfiguration<T>, kindOf: (labelNames: readonly string[]) => Kind<C>) {
    super(config, kindOf);
    this.unlabelled = this.series.ofValues(this.series.declaration.labelNames.map(() => undefined));
    // a gauge's 0 before its callback has run would be taken for a measurement
    if (this.type !== 'gauge' || this.collect === undefined) this.#showUnlabelled();
  }

  /**
   * The child for label values in the order of `labelNames`, or for a label object.
   *
   * @throws {Error} prom-client's, where a label was not declared, or there is not one value for each label name
   */
  labels(...values: (string | number)[]): C;
  labels(labels: LabelValues<T>): C;
  labels(...args: unknown[]): C {
    return this.series.ofArguments(args);
  }

  /** Takes the series of these labels out. The next write to it starts from nothing. */
  remove(...values: (string | number)[]): void;
  remove(labels: LabelValues<T>): void;
  remove(...args: unknown[]): void {
    this.series.remove(this.series.ofArguments(args));
    // to prom-client a label that is undefined and one that is absent are the same
    const given = Object.entries(this.givenLabels(args));
    const present = Object.fromEntries(given.filter(([, value]) => value !== undefined));
    const absent = this.labelNames.filter((name) => !Object.hasOwn(present, name));
    if (absent.length === 0) return;
    this.series.remove(this.series.ofObject(present));
    this.series.remove(
      this.series.ofObject({ ...present, ...Object.fromEntries(absent.map((name) => [name, undefined])) }),
    );
  }

  /** Takes all series out; where there are no labels, the one series starts from 0. */
  override reset(): void {
    super.reset();
    this.#showUnlabelled();
  }

  /** A metric without labels is shown from the start. */
  #showUnlabelled(): void {
    if (this.unlabelled.labelValues.length === 0) this.series.attached(this.unlabelled);
  }
}
