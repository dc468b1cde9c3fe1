import { brand } from '../copies.js';
import { looksForTrace, type TraceContext, type TracedSeries, traceExemplar } from './active-trace.js';
import type { LabelValues } from '../registry/metric-object.js';
import { Child } from './child.js';
import type { CounterConfiguration, IncreaseDataWithExemplar } from './configuration.js';
import { getOrCreate } from './get-or-create.js';
import { setExemplar } from './exemplar-attachment.js';
import { invalidValue, MAY_OVERFLOW } from './invalid-number.js';
import {
  type AnyFunction,
  exceptionFilter,
  type ExceptionOptions,
  type FunctionDecorator,
  observed,
} from './observed-function.js';
import { processWideDeclaration } from './metric.js';
import { withFloatFeedback } from './float-feedback.js';
import { LabelledMetric } from './labelled-metric.js';

const LIMIT = MAY_OVERFLOW;

/** One series of a counter. */
export class CounterChild extends Child {
  /**
   * Adds `value`, or 1. A value that is NaN or would make the counter infinite is dropped and counted as a dropped sample.
   *
   * @throws {Error} prom-client's error, for a value that is negative, infinite or not a number
   */
  inc(value?: number): void;
  /** With `enableExemplars`: the exemplar replaces the previous one. */
  inc(increase: Omit<IncreaseDataWithExemplar<string>, 'labels'>): void;
  inc(value?: unknown): void {
    let amount = 1;
    if (value !== undefined) {
      if (typeof value === 'number' && value >= 0 && value < LIMIT) amount = value;
      else return this.#incUnusually(value);
    }
    if (this.index >= 0) this.view[this.index] += amount;
    else this.addTotal(amount);
  }

  /** Adds any amount. False if the sample is dropped: it is not finite, or `maxSeries` allows no more series. */
  addTotal(amount: number): boolean {
    const child = this.written;
    if (child === undefined) return false;
    const total = child.view[child.index] + amount;
    if (!Number.isFinite(total)) return this.home.dropUncountable(amount);
    child.view[child.index] = total;
    return true;
  }

  /** Sets the exemplar without counting. @throws {RangeError} prom-client's error, where the labels are too long */
  updateExemplar(exemplarLabels: LabelValues<string>, value: number): void {
    setExemplar(this.home, this.written, 0, exemplarLabels, value || 1);
  }

  /**
   * Counts calls that throw or reject, in this series; the error passes through. `countExceptions(fn)` wraps a function,
   * `@child.countExceptions()` decorates a method.
   *
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where `only` is not of classes
   */
  countExceptions<F extends AnyFunction>(fn: F, options?: ExceptionOptions): F;
  countExceptions(options?: ExceptionOptions): FunctionDecorator;
  countExceptions(first?: AnyFunction | ExceptionOptions, second?: ExceptionOptions): unknown {
    const [fn, options] = typeof first === 'function' ? [first, second] : [undefined, first];
    const counts = exceptionFilter(options?.only);
    const end = (failure?: { readonly error: unknown }): void => {
      if (failure !== undefined && counts(failure.error)) this.inc();
    };
    return observed(() => end, fn);
  }

  #incUnusually(value: unknown): void {
    if (!this.home.exemplars || typeof value !== 'object' || value === null) {
      this.addTotal(unusualAmount(value));
      return;
    }
    const { value: amount = 1, exemplarLabels }: Omit<IncreaseDataWithExemplar<string>, 'labels'> = value;
    const added = this.addTotal(unusualAmount(amount));
    if (added && exemplarLabels !== undefined) this.updateExemplar(exemplarLabels, amount);
  }
}

/** Without an exemplar: a metric may be made within a span. */
function addFraction(child: CounterChild): void {
  Reflect.apply(CounterChild.prototype.inc, child, [0.5]);
}

/** A child whose samples get the trace that they belong to as exemplar. */
class TracedCounterChild extends CounterChild implements TracedSeries {
  traceBeat = 0;
  traceSamples = 0;
  tracedAt = 0;

  /** @param context the context of OpenTelemetry, if it is not the active one */
  override inc(value?: number | object, context?: TraceContext): void {
    super.inc(value as number);
    if (context === undefined && !looksForTrace(this)) return;
    const exemplar = traceExemplar(this, context);
    if (exemplar !== undefined && typeof value !== 'object') this.updateExemplar(exemplar, value ?? 1);
  }
}

/** A cumulative number that only goes up. */
export class Counter<T extends string = string> extends LabelledMetric<T, CounterChild> {
  /**
   * Returns the metric of this configuration: the one that the registries already have, or a new one.
   *
   * @throws {Error} as the constructor does
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the registries have a different metric of that name; the text
   * names the difference
   */
  static getOrCreate<T extends string = string>(config: CounterConfiguration<T>): Counter<T> {
    return getOrCreate(Counter<T>, config);
  }

  constructor(config: CounterConfiguration<T>) {
    super(config, () => {
      const Kind = config.enableExemplars === 'trace' ? TracedCounterChild : CounterChild;
      return {
        type: 'counter',
        declaration: processWideDeclaration(config),
        child: (home, labelValues) => withFloatFeedback(new Kind(home, labelValues), addFraction),
      };
    });
  }

  /**
   * Adds `value`, or 1, to the series of these labels.
   *
   * @throws {Error} prom-client's error, for a label that was not declared, or a value that is negative, infinite or not a
   * number
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
   * @throws {RangeError} prom-client's error, where the labels are too long
   */
  updateExemplar(exemplarLabels: LabelValues<string>, value: number, labels?: LabelValues<T> | ''): void {
    this.series.ofObject(labels || {}).updateExemplar(exemplarLabels, value);
  }

  /**
   * Counts calls that throw or reject; the error passes through. `countExceptions(fn)` wraps a function,
   * `@counter.countExceptions({ only: TypeError })` decorates a method. For a series with labels:
   * `counter.labels(…).countExceptions`.
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

brand(Counter, 'Counter');

export namespace Counter {
  /** The methods of prom-client's children; the children that `labels()` returns have more. */
  export interface Internal {
    inc(value?: number): void;
  }
}

/** The amount that prom-client adds for a value that is not a finite number from 0 up (NaN too), or its error. */
function unusualAmount(value: unknown): number {
  if (value === null) return 1;
  if (value && !Number.isFinite(value)) throw invalidValue(value);
  if ((value as number) < 0) throw new Error('It is not possible to decrease a counter');
  return Number(value);
}
