import { brand } from '../copies.js';
import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import { STATE_MODE } from '../model/gauge-mode.js';
import { assertLabelsDeclared } from '../model/label-set.js';
import { isLabelName } from '../model/naming.js';
import type { LabelValues } from '../registry/metric-object.js';
import type { StateSetConfiguration } from './configuration.js';
import { getOrCreate } from './get-or-create.js';
import { GaugeChild } from './gauge.js';
import { StateMetric } from './state-metric.js';

/**
 * The current one of several states: one series per state, 1 for the current state and 0 for the others. The label with the
 * state has the name of the metric (OpenMetrics 1.0, 5.7; client_python's Enum).
 *
 * There are no series before the first `state()`. Merged output shows a state as 1 if any living process is in it.
 */
export class StateSet<T extends string = string, S extends string = string> extends StateMetric<
  T,
  { state(state: S): void }
> {
  readonly states: readonly S[];

  /**
   * Returns the metric of this configuration: the one that the registries already have, or a new one.
   *
   * @throws {Error} as the constructor does
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the registries have a different metric of that name; the text
   * names the difference
   */
  static getOrCreate<T extends string = string, S extends string = string>(
    config: StateSetConfiguration<T, S>,
  ): StateSet<T, S> {
    return getOrCreate(StateSet<T, S>, config);
  }

  /**
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT for no states or duplicate ones, or for a name that cannot be a label
   * name
   */
  constructor(config: StateSetConfiguration<T, S>) {
    super(config, (labelNames) => {
      assertStates(config.states);
      assertNameIsLabel(config, labelNames);
      return {
        type: 'stateset',
        declaration: { labelNames: [...labelNames, config.name], gaugeMode: STATE_MODE },
        child: (home, labelValues) => new GaugeChild(home, labelValues, false),
      };
    });
    this.states = [...config.states];
  }

  /** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the state is not one of `states` */
  state(state: S): void;
  state(labels: LabelValues<T>, state: S): void;
  state(first: LabelValues<T> | S, second?: S): void {
    const [labels, state] = second === undefined ? [{}, first as S] : [first as object, second];
    assertLabelsDeclared(this.labelNames, labels);
    if (!this.states.includes(state)) {
      throw invalidArgument(`${inspect(state)} is no state of ${this.name}: it is one of ${this.states.join(', ')}`);
    }
    for (const child of this.childrenOf(labels)) child.set(child.labelValues.at(-1) === state ? 1 : 0);
  }

  protected viewOf(labels: LabelValues<T>): { state(state: S): void } {
    return { state: (state) => this.state(labels, state) };
  }

  protected childrenOf(labels: object): GaugeChild[] {
    return this.states.map((state) => this.series.ofObject({ ...labels, [this.name]: state }));
  }
}

brand(StateSet, 'StateSet');

function assertStates(states: unknown): void {
  const areStates =
    Array.isArray(states) &&
    states.length > 0 &&
    new Set(states).size === states.length &&
    states.every((state) => typeof state === 'string');
  if (areStates) return;
  throw invalidArgument(`states is an array of different strings, not ${inspect(states)}`);
}

function assertNameIsLabel(
  { name, nameValidation }: StateSetConfiguration<string, string>,
  labelNames: readonly string[],
): void {
  if (isLabelName(name, nameValidation) && !labelNames.includes(name)) return;
  throw invalidArgument(
    `the StateSet ${inspect(name)} has a label with its own name: choose a name without ":" that is not among the labelNames`,
  );
}
