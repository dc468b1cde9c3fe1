/**
 * The instruments that a program calls. None of them throws: a sample that cannot be counted is dropped and counted, because
 * the caller is a library that the application did not write.
 */
import type { Attributes, Context, Counter, Gauge, Histogram, UpDownCounter } from '@opentelemetry/api';
import type { CounterChild } from '../instruments/counter.js';
import type { GaugeChild } from '../instruments/gauge.js';
import type { HistogramChild } from '../instruments/histogram.js';
import type { Child } from '../instruments/child.js';
import type { AttributeIndex } from './attribute-index.js';
import type { OpenSeries } from './open-series.js';

const NO_ATTRIBUTES: Attributes = {};

/** An instrument of one meter, and the series that it counts in. */
export interface Bound<C extends Child> {
  readonly series: OpenSeries<C>;
  readonly attributes: AttributeIndex<C>;
  /** The instrument takes whole numbers: fractions are cut off. */
  readonly isInteger: boolean;
}

/** A child whose samples get the trace of a context, or of the active one, as exemplar. Other children ignore the context. */
interface CountedIn {
  inc(value: number, context?: Context): void;
}
interface ObservedIn {
  observe(value: number, context?: Context): void;
}

export class SyncCounter implements Counter {
  readonly #bound: Bound<CounterChild>;

  constructor(bound: Bound<CounterChild>) {
    this.#bound = bound;
  }

  add(value: number, attributes: Attributes = NO_ATTRIBUTES, context?: Context): void {
    const { isInteger } = this.#bound;
    // NaN is not ≥ 0
    if (!(typeof value === 'number' && value >= 0 && value < Infinity)) return this.#bound.series.drop(value);
    const child: CountedIn | undefined = this.#bound.attributes.find(attributes);
    child?.inc(isInteger ? Math.trunc(value) : value, context);
  }
}

export class SyncHistogram implements Histogram {
  readonly #bound: Bound<HistogramChild>;

  constructor(bound: Bound<HistogramChild>) {
    this.#bound = bound;
  }

  record(value: number, attributes: Attributes = NO_ATTRIBUTES, context?: Context): void {
    const { isInteger } = this.#bound;
    if (!(typeof value === 'number' && value >= 0 && value < Infinity)) return this.#bound.series.drop(value);
    const child: ObservedIn | undefined = this.#bound.attributes.find(attributes);
    child?.observe(isInteger ? Math.trunc(value) : value, context);
  }
}

export class SyncUpDownCounter implements UpDownCounter {
  readonly #bound: Bound<GaugeChild>;

  constructor(bound: Bound<GaugeChild>) {
    this.#bound = bound;
  }

  add(value: number, attributes: Attributes = NO_ATTRIBUTES): void {
    if (!Number.isFinite(value)) return this.#bound.series.drop(value);
    this.#bound.attributes.find(attributes)?.inc(this.#bound.isInteger ? Math.trunc(value) : value);
  }
}

export class SyncGauge implements Gauge {
  readonly #bound: Bound<GaugeChild>;

  constructor(bound: Bound<GaugeChild>) {
    this.#bound = bound;
  }

  record(value: number, attributes: Attributes = NO_ATTRIBUTES): void {
    if (typeof value !== 'number' || Number.isNaN(value)) return this.#bound.series.drop(value);
    this.#bound.attributes.find(attributes)?.set(this.#bound.isInteger ? Math.trunc(value) : value);
  }
}
