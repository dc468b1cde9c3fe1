import { brand } from '../copies.js';
import { inspect } from 'node:util';
import { PromMultiprocError } from '../errors.js';
import { STATE_MODE } from '../model/gauge-mode.js';
import { assertLabelsDeclared, labelValue } from '../model/label-set.js';
import { isLabelName } from '../model/naming.js';
import type { LabelValues } from '../registry/metric-object.js';
import type { InfoConfiguration } from './configuration.js';
import { getOrCreate } from './get-or-create.js';
import { GaugeChild } from './gauge.js';
import { Metric } from './metric.js';

/** The pairs that an Info shows as labels. */
export type InfoPairs = Readonly<Record<string, string | number>>;

/**
 * Facts that do not change while a process lives, such as its version, as labels of a series that is always 1
 * (OpenMetrics 1.0, 5.4; client_python's Info). Its samples are called `<name>_info`.
 *
 * Merged output shows the facts of living processes: where two differ, both.
 *
 * A pair's name becomes a label when it is first set. The family is declared anew then, with one more label, so that other
 * pairs may be set at any time; readers take that as they take a rolling deploy.
 */
export class Info<T extends string = string> extends Metric<T, GaugeChild> {
  /**
   * The metric of a configuration: the one that its registries have, or a new one.
   *
   * @throws {Error} as the constructor does
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where they have another one of the name; the text says what differs
   */
  static getOrCreate<T extends string = string>(config: InfoConfiguration<T>): Info<T> {
    return getOrCreate(Info<T>, config);
  }

  constructor(config: InfoConfiguration<T>) {
    super(config, () => ({
      type: 'info',
      declaration: { gaugeMode: STATE_MODE },
      child: (home, labelValues) => new GaugeChild(home, labelValues, false),
    }));
  }

  /**
   * Shows these pairs; those that were set before for the same labels are gone.
   *
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where a pair's name is no label name, or is one of `labelNames`
   */
  set(pairs: InfoPairs): void;
  set(labels: LabelValues<T>, pairs: InfoPairs): void;
  set(first: object, second?: InfoPairs): void {
    const [labels, pairs] = second === undefined ? [{}, first as InfoPairs] : [{ ...first }, second];
    assertLabelsDeclared(this.labelNames, labels);
    this.#assertPairs(pairs);
    const { labelNames } = this.series.declaration;
    const added = Object.keys(pairs).filter((name) => !labelNames.includes(name));
    if (added.length > 0) this.series.addLabelNames(added);
    const wanted = this.series.ofObject({ ...labels, ...pairs });
    for (const child of this.#ofLabels(labels)) if (child !== wanted) this.series.remove(child);
    wanted.set(1);
  }

  /** An Info for one set of label values, in the order of `labelNames` or as an object. */
  labels(...values: (string | number)[]): { set(pairs: InfoPairs): void };
  labels(labels: LabelValues<T>): { set(pairs: InfoPairs): void };
  labels(...args: unknown[]): { set(pairs: InfoPairs): void } {
    const labels = this.givenLabels(args);
    return { set: (pairs) => this.set(labels as LabelValues<T>, pairs) };
  }

  /** Takes the pairs of these labels out. */
  remove(...values: (string | number)[]): void;
  remove(labels: LabelValues<T>): void;
  remove(...args: unknown[]): void {
    for (const child of this.#ofLabels(this.givenLabels(args))) this.series.remove(child);
  }

  #ofLabels(labels: Readonly<Record<string, unknown>>): GaugeChild[] {
    const { labelNames } = this.series.declaration;
    return [...this.series.index].filter((child) =>
      labelNames.every((name, at) => !this.#isOwn(name) || child.labelValues[at] === labelValue(labels[name])),
    );
  }

  #isOwn(name: string): boolean {
    return this.labelNames.includes(name);
  }

  #assertPairs(pairs: InfoPairs): void {
    for (const name of Object.keys(pairs)) {
      if (isLabelName(name) && !this.#isOwn(name)) continue;
      throw new PromMultiprocError(
        'ERR_INVALID_ARGUMENT',
        `${inspect(name)} cannot be set as Info: give a name of letters, digits and "_" that is not among the labelNames`,
      );
    }
  }
}

brand(Info, 'Info');
