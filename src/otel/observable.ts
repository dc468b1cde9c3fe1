import type { Attributes, Observable, ObservableCallback } from '@opentelemetry/api';
import type { Child } from '../instruments/child.js';
import type { CounterChild } from '../instruments/counter.js';
import type { GaugeChild } from '../instruments/gauge.js';
import type { Bound } from './sync-instruments.js';

/** Runs the callbacks of instruments. */
interface InstrumentCallbacks {
  add(callback: ObservableCallback, instrument: ObservedInstrument): void;
  remove(callback: ObservableCallback, instruments: readonly ObservedInstrument[]): void;
}

/** An instrument whose values callbacks observe when the metrics are read. */
export abstract class ObservedInstrument<C extends Child = Child> implements Observable {
  readonly #bound: Bound<C>;
  readonly #callbacks: InstrumentCallbacks;
  /** Series that the callbacks have observed, in this round and in the one before. */
  #observed = new Set<C>();
  #before = new Set<C>();

  constructor(bound: Bound<C>, callbacks: InstrumentCallbacks) {
    this.#bound = bound;
    this.#callbacks = callbacks;
  }

  /** The name of the metric. */
  get family(): string {
    return this.#bound.series.name;
  }

  /** Makes the callbacks run whenever its metric is read. */
  collectBy(collect: () => Promise<void>): void {
    this.#bound.series.collectBy(collect);
  }

  addCallback(callback: ObservableCallback): void {
    this.#callbacks.add(callback, this);
  }

  removeCallback(callback: ObservableCallback): void {
    this.#callbacks.remove(callback, [this]);
  }

  observe(value: number, attributes: Attributes = {}): void {
    if (typeof value !== 'number' || !this.isObservable(value)) return this.#bound.series.drop(value);
    const child = this.#bound.attributes.find(attributes);
    if (child === undefined) return;
    this.#observed.add(child);
    this.set(child, this.#bound.isInteger ? Math.trunc(value) : value);
  }

  /** All callbacks of a round have run. Series that none of them observed are removed. */
  endRound(): void {
    for (const child of this.#before) if (!this.#observed.has(child)) this.forget(child, this.#bound);
    this.#before = this.#observed;
    this.#observed = new Set();
  }

  protected abstract isObservable(value: number): boolean;
  protected abstract set(child: C, value: number): void;
  protected abstract forget(child: C, bound: Bound<C>): void;
}

/** Callbacks observe a total since the start of what they observe: what it has grown by is added. */
export class ObservedCounter extends ObservedInstrument<CounterChild> {
  readonly #totals = new WeakMap<CounterChild, number>();
  /** Totals of this round: of several for the same attributes, the last one counts. */
  readonly #observedTotals = new Map<CounterChild, number>();

  protected isObservable(value: number): boolean {
    return value >= 0 && value < Infinity;
  }

  protected set(child: CounterChild, total: number): void {
    this.#observedTotals.set(child, total);
  }

  override endRound(): void {
    for (const [child, total] of this.#observedTotals) {
      const before = this.#totals.get(child) ?? 0;
      this.#totals.set(child, total);
      // a smaller total has started again at 0
      child.addTotal(total >= before ? total - before : total);
    }
    this.#observedTotals.clear();
    super.endRound();
  }

  /** The counts stay when what was observed has ended. */
  protected forget(): void {}
}

export class ObservedGauge extends ObservedInstrument<GaugeChild> {
  protected isObservable(value: number): boolean {
    return !Number.isNaN(value);
  }

  protected set(child: GaugeChild, value: number): void {
    child.set(value);
  }

  protected forget(child: GaugeChild, { series }: Bound<GaugeChild>): void {
    series.remove(child);
  }
}
