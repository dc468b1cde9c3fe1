import { brand } from '../copies.js';
import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import { STATE_MODE } from '../model/gauge-mode.js';
import { assertLabelsDeclared, labelValue } from '../model/label-set.js';
import { isLabelName, labelNameRule } from '../model/naming.js';
import type { LabelValues } from '../registry/metric-object.js';
import type { InfoConfiguration } from './configuration.js';
import { getOrCreate } from './get-or-create.js';
import { GaugeChild } from './gauge.js';
import { StateMetric } from './state-metric.js';

/** The pairs that an Info shows as labels. */
export type InfoPairs = Readonly<Record<string, string | number>>;

/**
 * Facts that do not change during the life of a process, such as its version, as labels of a series that is always 1
 * (OpenMetrics 1.0, 5.4; client_python's Info). The name of its samples is `<name>_info`.
 *
 * Merged output shows the facts of living processes; if two processes have different facts, it shows both.
 *
 * The name of a pair becomes a label when it is first set. Other pairs may be set at any time.
 */
export class Info<T extends string = string> extends StateMetric<T, { set(pairs: InfoPairs): void }> {
  /**
   * Returns the metric of this configuration: the one that the registries already have, or a new one.
   *
   * @throws {Error} as the constructor does
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the registries have a different metric of that name; the text
   * names the difference
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
   * Shows these pairs. They replace the pairs that were set before for the same labels.
   *
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the name of a pair is not a legal label name, or is one of
   * `labelNames`
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
    for (const child of this.childrenOf(labels)) if (child !== wanted) this.series.remove(child);
    wanted.set(1);
  }

  protected viewOf(labels: LabelValues<T>): { set(pairs: InfoPairs): void } {
    return { set: (pairs) => this.set(labels, pairs) };
  }

  protected childrenOf(labels: Readonly<Record<string, unknown>>): GaugeChild[] {
    const { labelNames } = this.series.declaration;
    return [...this.series.index].filter((child) =>
      labelNames.every((name, at) => !this.#isOwn(name) || child.labelValues[at] === labelValue(labels[name])),
    );
  }

  #isOwn(name: string): boolean {
    return this.labelNames.includes(name);
  }

  #assertPairs(pairs: InfoPairs): void {
    const { nameValidation } = this.series.declaration;
    for (const name of Object.keys(pairs)) {
      if (isLabelName(name, nameValidation) && !this.#isOwn(name)) continue;
      const rule = this.#isOwn(name) ? 'it is among the labelNames' : labelNameRule(nameValidation);
      throw invalidArgument(`${inspect(name)} cannot be set as Info: ${rule}`);
    }
  }
}

brand(Info, 'Info');
