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

abstract class SyncInstrument<C extends Child> {
  constructor(protected readonly bound: Bound<C>) {}

  protected counted(value: number): number {
    return this.bound.isInteger ? Math.trunc(value) : value;
  }
}

export class SyncCounter extends SyncInstrument<CounterChild> implements Counter {
  add(value: number, attributes: Attributes = NO_ATTRIBUTES, context?: Context): void {
    if (!isAmount(value)) return this.bound.series.drop(value);
    const child: CountedIn | undefined = this.bound.attributes.find(attributes);
    child?.inc(this.counted(value), context);
  }
}

export class SyncHistogram extends SyncInstrument<HistogramChild> implements Histogram {
  record(value: number, attributes: Attributes = NO_ATTRIBUTES, context?: Context): void {
    if (!isAmount(value)) return this.bound.series.drop(value);
    const child: ObservedIn | undefined = this.bound.attributes.find(attributes);
    child?.observe(this.counted(value), context);
  }
}

export class SyncUpDownCounter extends SyncInstrument<GaugeChild> implements UpDownCounter {
  add(value: number, attributes: Attributes = NO_ATTRIBUTES): void {
    if (!Number.isFinite(value)) return this.bound.series.drop(value);
    this.bound.attributes.find(attributes)?.inc(this.counted(value));
  }
}

export class SyncGauge extends SyncInstrument<GaugeChild> implements Gauge {
  record(value: number, attributes: Attributes = NO_ATTRIBUTES): void {
    if (typeof value !== 'number' || Number.isNaN(value)) return this.bound.series.drop(value);
    this.bound.attributes.find(attributes)?.set(this.counted(value));
  }
}

function isAmount(value: number): boolean {
  // NaN is not ≥ 0
  return typeof value === 'number' && value >= 0 && value < Infinity;
}
