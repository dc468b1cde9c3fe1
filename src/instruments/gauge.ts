import { brand } from '../copies.js';
import { assertModeFitsLabels, gaugeMode, resolveGaugeMode } from '../model/gauge-mode.js';
import type { LabelValues } from '../registry/metric-object.js';
import type { ChildHome } from './child.js';
import { type GaugeConfiguration, OPEN_LABELS } from './configuration.js';
import { getOrCreate } from './get-or-create.js';
import { invalidDelta, invalidValue } from './invalid-number.js';
import { processWideDeclaration } from './metric.js';
import { withFloatFeedback } from './float-feedback.js';
import { type AnyFunction, type FunctionDecorator, observed } from './observed-function.js';
import { TimedChild, TimedMetric } from './timed-metric.js';

/** Never 0, which means «never set»: fake timers, and the clock of a machine without a battery, begin at 0 or near it. */
function setAtNow(): number {
  return Date.now() / 1000 || Number.MIN_VALUE;
}

/** One series of a gauge: a value, and the time when it was set (0: never; merging ignores such a value). */
export class GaugeChild extends TimedChild {
  /** The mode needs the time of every `set`; otherwise the clock is read at the first one only. */
  readonly #timed: boolean;

  constructor(home: ChildHome, labelValues: readonly (string | undefined)[], timed: boolean) {
    super(home, labelValues);
    this.#timed = timed;
  }

  /** @throws {TypeError} prom-client's error, where the value is not of type number; NaN and infinities are allowed */
  set(value: number): void {
    if (typeof value !== 'number') throw invalidValue(value);
    const child = this.index >= 0 ? this : this.written;
    if (child === undefined) return;
    const { view, index } = child;
    view[index] = value;
    if (this.#timed || view[index + 1] === 0) view[index + 1] = setAtNow();
  }

  /** @throws {TypeError} prom-client's error, where the value is not of type number */
  inc(value: number = 1): void {
    if (typeof value !== 'number') throw invalidDelta(value);
    const child = this.index >= 0 ? this : this.written;
    if (child === undefined) return;
    const { view, index } = child;
    view[index] += value;
    if (this.#timed || view[index + 1] === 0) view[index + 1] = setAtNow();
  }

  dec(value: number = 1): void {
    this.inc(-value);
  }

  /** Sets the gauge to the seconds since the epoch. */
  setToCurrentTime(): void {
    this.set(Date.now() / 1000);
  }

  takeSeconds(seconds: number): void {
    this.set(seconds);
  }

  /** Wraps a function, or decorates a method as `@child.trackInProgress()`: the gauge is 1 higher during a call. */
  trackInProgress<F extends AnyFunction>(fn: F): F;
  trackInProgress(): FunctionDecorator;
  trackInProgress(fn?: AnyFunction): unknown {
    return observed(() => {
      this.inc();
      return () => this.dec();
    }, fn);
  }
}

/** A number that goes up and down. */
export class Gauge<T extends string = string> extends TimedMetric<T, GaugeChild> {
  /** How the values of several processes are merged: the name of a gauge mode. */
  readonly multiprocessMode: string;

  /**
   * Returns the metric of this configuration: the one that the registries already have, or a new one.
   *
   * @throws {Error} as the constructor does
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the registries have a different metric of that name; the text
   * names the difference
   */
  static getOrCreate<T extends string = string>(config: GaugeConfiguration<T>): Gauge<T> {
    return getOrCreate(Gauge<T>, config);
  }

  /**
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT for an unknown mode or aggregator, for both options at once, and for a
   * label `pid` where the mode adds it
   */
  constructor(config: GaugeConfiguration<T>) {
    super(config, (labelNames) => {
      const mode = resolveGaugeMode(config);
      assertModeFitsLabels(mode, labelNames);
      // a gauge that is set to the same value again is not idle
      const isTimed = mode.timed || config.expireAfterSeconds !== undefined;
      let hasCollected = config.collect === undefined || labelNames.length > 0 || OPEN_LABELS in config;
      return {
        type: 'gauge',
        declaration: { gaugeMode: mode.name, ...processWideDeclaration(config) },
        child: (home, labelValues) =>
          withFloatFeedback(new GaugeChild(home, labelValues, isTimed), (child) => child.inc(0.5)),
        prepareRead(series, collected) {
          if (hasCollected || !collected) return;
          hasCollected = true;
          // a callback that sets nothing leaves 0, as in prom-client
          const unlabelled = series.ofValues([]);
          if (unlabelled.index < 0) series.attached(unlabelled);
        },
      };
    });
    this.multiprocessMode = gaugeMode(this.series.declaration.gaugeMode).name;
  }

  /** @throws {Error} prom-client's error, for a label that was not declared, or a value that is not a number */
  set(labels: LabelValues<T>, value: number): void;
  set(value: number): void;
  set(labels: unknown, value?: unknown): void {
    if (typeof labels !== 'object' || labels === null) return this.unlabelled.set(labels as number);
    if (typeof value !== 'number') throw invalidValue(value);
    this.series.ofObject(labels as Record<string, unknown>).set(value);
  }

  /** Adds `value`, or 1. */
  inc(labels: LabelValues<T>, value?: number): void;
  inc(value?: number): void;
  inc(labels?: unknown, value?: unknown): void {
    if (typeof labels !== 'object' || labels === null) return this.unlabelled.inc(labels as number);
    if (value !== undefined && typeof value !== 'number') throw invalidDelta(value);
    this.series.ofObject(labels as Record<string, unknown>).inc(value);
  }

  /** Subtracts `value`, or 1. */
  dec(labels: LabelValues<T>, value?: number): void;
  dec(value?: number): void;
  dec(labels?: unknown, value?: unknown): void {
    if (typeof labels !== 'object' || labels === null) return this.unlabelled.dec(labels as number);
    const delta = value === undefined ? -1 : -(value as number);
    if (typeof delta !== 'number') throw invalidDelta(delta);
    this.series.ofObject(labels as Record<string, unknown>).inc(delta);
  }

  /** Sets the gauge to the seconds since the epoch. */
  setToCurrentTime(labels?: LabelValues<T>): void {
    const child = labels === undefined ? this.unlabelled : this.series.ofObject(labels);
    child.setToCurrentTime();
  }

  /**
   * Wraps a function, or decorates a method as `@gauge.trackInProgress()`: the gauge is 1 higher while a call is in
   * progress. For a series with labels: `gauge.labels(…).trackInProgress`.
   */
  trackInProgress<F extends AnyFunction>(fn: F): F;
  trackInProgress(): FunctionDecorator;
  trackInProgress(fn?: AnyFunction): unknown {
    return fn === undefined ? this.unlabelled.trackInProgress() : this.unlabelled.trackInProgress(fn);
  }
}

brand(Gauge, 'Gauge');

export namespace Gauge {
  /** The methods of prom-client's children; the children that `labels()` returns have more. */
  export interface Internal<T extends string = string> {
    inc(value?: number): void;
    dec(value?: number): void;
    set(value: number): void;
    setToCurrentTime(): void;
    startTimer(): (labels?: LabelValues<T>) => number;
  }
}
