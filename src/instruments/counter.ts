import type { LabelValues } from '../registry/metric-object.js';
import { Child } from './child.js';
import type { CounterConfiguration, IncreaseDataWithExemplar } from './configuration.js';
import { setExemplar } from './exemplar-attachment.js';
import { invalidValue } from './invalid-number.js';
import {
  type AnyFunction,
  exceptionFilter,
  type ExceptionOptions,
  functionDecorator,
  type FunctionDecorator,
} from './observed-function.js';
import { LabelledMetric } from './labelled-metric.js';

/** One series of a counter. */
export class CounterChild extends Child {
  /**
   * Adds `value`, or 1.
   *
   * @throws {Error} prom-client's, for a value that is negative or not a finite number
   */
  inc(value?: number): void;
  /** With `enableExemplars`: the exemplar replaces the one before. */
  inc(increase: Omit<IncreaseDataWithExemplar<string>, 'labels'>): void;
  inc(value?: unknown): void {
    let amount = 1;
    if (value !== undefined) {
      if (typeof value === 'number' && value >= 0 && value < Infinity) amount = value;
      else if (this.home.exemplars && typeof value === 'object' && value !== null) return this.#incWithExemplar(value);
      else amount = unusualAmount(value);
    }
    if (this.index >= 0) this.view[this.index] += amount;
    else this.addTotal(amount);
  }

  /** Adds what another client has counted; false where `maxSeries` refuses the series. */
  addTotal(amount: number): boolean {
    const child = this.written;
    if (child === undefined) return false;
    child.view[child.index] += amount;
    return true;
  }

  /** Sets the exemplar without counting. @throws {RangeError} prom-client's, where the labels are too long */
  updateExemplar(exemplarLabels: LabelValues<string>, value: number): void {
    setExemplar(this.written, 0, exemplarLabels, value || 1);
  }

  /**
   * Counts calls that throw or reject, in this series; what they threw passes through. `countExceptions(fn)` wraps a
   * function, `@child.countExceptions()` a method.
   *
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where `only` is not of classes
   */
  countExceptions<F extends AnyFunction>(fn: F, options?: ExceptionOptions): F;
  countExceptions(options?: ExceptionOptions): FunctionDecorator;
  countExceptions(first?: AnyFunction | ExceptionOptions, second?: ExceptionOptions): unknown {
    const wrapsNow = typeof first === 'function';
    const counts = exceptionFilter((wrapsNow ? second : first)?.only);
    const decorator = functionDecorator(() => (failure) => {
      if (failure !== undefined && counts(failure.error)) this.inc();
    });
    return wrapsNow ? decorator(first) : decorator;
  }

  #incWithExemplar({ value = 1, exemplarLabels }: Omit<IncreaseDataWithExemplar<string>, 'labels'>): void {
    this.inc(value);
    if (exemplarLabels !== undefined) this.updateExemplar(exemplarLabels, value);
  }
}

/** A cumulative number that only goes up. */
export class Counter<T extends string = string> extends LabelledMetric<T, CounterChild> {
  constructor(config: CounterConfiguration<T>) {
    super(config, () => ({
      type: 'counter',
      child: (home, labelValues) => new CounterChild(home, labelValues),
    }));
  }

  /**
   * Adds `value`, or 1, to the series of these labels.
   *
   * @throws {Error} prom-client's, for a label that was not declared, or a value that is negative or not a finite number
   */
  inc(labels: LabelValues<T>, value?: number): void;
  inc(value?: number): void;
  /** With `enableExemplars`. */
  inc(increase: IncreaseDataWithExemplar<T>): void;
  inc(labels?: unknown, value?: number): void {
    if (typeof labels !== 'object' || labels === null) this.unlabelled.inc(labels as number);
    else if (this.enableExemplars && value === undefined) this.#incWithExemplar(labels);
    else this.series.ofObject(labels as Record<string, unknown>).inc(value);
  }

  /**
   * Sets the exemplar of a series without counting.
   *
   * @throws {RangeError} prom-client's, where the labels are too long
   */
  updateExemplar(exemplarLabels: LabelValues<string>, value: number, labels?: LabelValues<T> | ''): void {
    this.series.ofObject(labels || {}).updateExemplar(exemplarLabels, value);
  }

  /**
   * Counts calls that throw or reject; what they threw passes through. `countExceptions(fn)` wraps a function,
   * `@counter.countExceptions({ only: TypeError })` a method. For a series with labels: `counter.labels(…).countExceptions`.
   *
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where `only` is not of classes
   */
  countExceptions<F extends AnyFunction>(fn: F, options?: ExceptionOptions): F;
  countExceptions(options?: ExceptionOptions): FunctionDecorator;
  countExceptions(first?: AnyFunction | ExceptionOptions, second?: ExceptionOptions): unknown {
    const { unlabelled } = this;
    return typeof first === 'function' ? unlabelled.countExceptions(first, second) : unlabelled.countExceptions(first);
  }

  #incWithExemplar({ labels, ...increase }: IncreaseDataWithExemplar<T>): void {
    this.series.ofObject(labels ?? {}).inc(increase);
  }
}

export namespace Counter {
  /** What children have in prom-client; those that `labels()` answers with have more. */
  export interface Internal {
    inc(value?: number): void;
  }
}

/** What prom-client adds for values that are no finite numbers from 0 up, or throws. */
function unusualAmount(value: unknown): number {
  if (value === null) return 1;
  if (value && !Number.isFinite(value)) throw invalidValue(value);
  if ((value as number) < 0) throw new Error('It is not possible to decrease a counter');
  return Number(value);
}
