import { brand } from '../copies.js';
import { inspect } from 'node:util';
import { PromMultiprocError } from '../errors.js';
import { STATE_MODE } from '../model/gauge-mode.js';
import { assertLabelsDeclared } from '../model/label-set.js';
import { isLabelName } from '../model/naming.js';
import type { LabelValues } from '../registry/metric-object.js';
import type { StateSetConfiguration } from './configuration.js';
import { getOrCreate } from './get-or-create.js';
import { GaugeChild } from './gauge.js';
import { Metric } from './metric.js';

/**
 * Which of a few states something is in: one series per state, 1 for the one that holds and 0 for the others, with the
 * state in a label that is called as the metric (OpenMetrics 1.0, 5.7; client_python's Enum).
 *
 * Nothing is shown before the first `state()`. Merged output shows a state as 1 where any living process is in it.
 */
export class StateSet<T extends string = string, S extends string = string> extends Metric<T, GaugeChild> {
  readonly states: readonly S[];

  /**
   * The metric of a configuration: the one that its registries have, or a new one.
   *
   * @throws {Error} as the constructor does
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where they have another one of the name; the text says what differs
   */
  static getOrCreate<T extends string = string, S extends string = string>(
    config: StateSetConfiguration<T, S>,
  ): StateSet<T, S> {
    return getOrCreate(StateSet<T, S>, config);
  }

  /**
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where there are no states or one is there twice, or where the name
   * cannot be a label
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
      throw new PromMultiprocError(
        'ERR_INVALID_ARGUMENT',
        `${inspect(state)} is no state of ${this.name}: it is one of ${this.states.join(', ')}`,
      );
    }
    for (const child of this.#ofLabels(labels)) child.set(child.labelValues.at(-1) === state ? 1 : 0);
  }

  /** A StateSet for one set of label values, in the order of `labelNames` or as an object. */
  labels(...values: (string | number)[]): { state(state: S): void };
  labels(labels: LabelValues<T>): { state(state: S): void };
  labels(...args: unknown[]): { state(state: S): void } {
    const labels = this.givenLabels(args);
    return { state: (state) => this.state(labels as LabelValues<T>, state) };
  }

  /** Takes all states of these labels out. */
  remove(...values: (string | number)[]): void;
  remove(labels: LabelValues<T>): void;
  remove(...args: unknown[]): void {
    for (const child of this.#ofLabels(this.givenLabels(args))) this.series.remove(child);
  }

  #ofLabels(labels: object): GaugeChild[] {
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
  throw new PromMultiprocError(
    'ERR_INVALID_ARGUMENT',
    `states is an array of different strings, not ${inspect(states)}`,
  );
}

function assertNameIsLabel(
  { name, nameValidation }: StateSetConfiguration<string, string>,
  labelNames: readonly string[],
): void {
  if (isLabelName(name, nameValidation) && !labelNames.includes(name)) return;
  throw new PromMultiprocError(
    'ERR_INVALID_ARGUMENT',
    `the StateSet ${inspect(name)} has its state in a label of its own name: take a name without ":" that is not among the labelNames`,
  );
}
