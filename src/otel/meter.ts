import type {
  BatchObservableCallback,
  Counter,
  Gauge,
  Histogram,
  Meter as ApiMeter,
  MetricOptions,
  Observable,
  ObservableCounter,
  ObservableGauge,
  ObservableUpDownCounter,
  UpDownCounter,
} from '@opentelemetry/api';
import type { CounterChild } from '../instruments/counter.js';
import type { GaugeChild } from '../instruments/gauge.js';
import type { HistogramChild } from '../instruments/histogram.js';
import type { InstrumentKind, MeterFamilies } from './meter-families.js';
import { ObservedCounter, ObservedGauge } from './observable.js';
import { type Bound, SyncCounter, SyncGauge, SyncHistogram, SyncUpDownCounter } from './sync-instruments.js';

/** An instrument that counts nothing. */
const NOOP = { add() {}, record() {}, addCallback() {}, removeCallback() {} };

/** The instruments of one instrumentation scope. */
export class Meter implements ApiMeter {
  readonly #families: MeterFamilies;
  readonly #name: string;
  /** Labels of the scope. */
  readonly #scope: ReadonlyMap<string, string>;

  constructor(families: MeterFamilies, name: string, scope: ReadonlyMap<string, string>) {
    this.#families = families;
    this.#name = name;
    this.#scope = scope;
  }

  createCounter(name: string, options?: MetricOptions): Counter {
    return this.#make('counter', SyncCounter, name, options);
  }

  createUpDownCounter(name: string, options?: MetricOptions): UpDownCounter {
    return this.#make('upDownCounter', SyncUpDownCounter, name, options);
  }

  createHistogram(name: string, options?: MetricOptions): Histogram {
    return this.#make('histogram', SyncHistogram, name, options);
  }

  createGauge(name: string, options?: MetricOptions): Gauge {
    return this.#make('gauge', SyncGauge, name, options);
  }

  createObservableCounter(name: string, options?: MetricOptions): ObservableCounter {
    return this.#make('counter', ObservedCounter, name, options);
  }

  createObservableUpDownCounter(name: string, options?: MetricOptions): ObservableUpDownCounter {
    return this.#make('upDownCounter', ObservedGauge, name, options);
  }

  createObservableGauge(name: string, options?: MetricOptions): ObservableGauge {
    return this.#make('gauge', ObservedGauge, name, options);
  }

  addBatchObservableCallback(callback: BatchObservableCallback, observables: Observable[]): void {
    this.#families.callbacks.addBatch(callback, observables);
  }

  removeBatchObservableCallback(callback: BatchObservableCallback, observables: Observable[]): void {
    this.#families.callbacks.remove(callback, observables);
  }

  #make<C extends CounterChild | GaugeChild | HistogramChild, I>(
    kind: InstrumentKind,
    Instrument: new (bound: Bound<C>, callbacks: MeterFamilies['callbacks']) => I,
    name: string,
    options: MetricOptions = {},
  ): I | typeof NOOP {
    const found = this.#families.bind(kind, name, options, { name: this.#name, labels: this.#scope });
    return found === undefined ? NOOP : new Instrument(found as never, this.#families.callbacks);
  }
}
