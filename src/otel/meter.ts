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
    const found = this.#bind<CounterChild>('counter', name, options);
    return found === undefined ? NOOP : new SyncCounter(found);
  }

  createUpDownCounter(name: string, options?: MetricOptions): UpDownCounter {
    const found = this.#bind<GaugeChild>('upDownCounter', name, options);
    return found === undefined ? NOOP : new SyncUpDownCounter(found);
  }

  createHistogram(name: string, options?: MetricOptions): Histogram {
    const found = this.#bind<HistogramChild>('histogram', name, options);
    return found === undefined ? NOOP : new SyncHistogram(found);
  }

  createGauge(name: string, options?: MetricOptions): Gauge {
    const found = this.#bind<GaugeChild>('gauge', name, options);
    return found === undefined ? NOOP : new SyncGauge(found);
  }

  createObservableCounter(name: string, options?: MetricOptions): ObservableCounter {
    const found = this.#bind<CounterChild>('counter', name, options);
    return found === undefined ? NOOP : new ObservedCounter(found, this.#families.callbacks);
  }

  createObservableUpDownCounter(name: string, options?: MetricOptions): ObservableUpDownCounter {
    const found = this.#bind<GaugeChild>('upDownCounter', name, options);
    return found === undefined ? NOOP : new ObservedGauge(found, this.#families.callbacks);
  }

  createObservableGauge(name: string, options?: MetricOptions): ObservableGauge {
    const found = this.#bind<GaugeChild>('gauge', name, options);
    return found === undefined ? NOOP : new ObservedGauge(found, this.#families.callbacks);
  }

  addBatchObservableCallback(callback: BatchObservableCallback, observables: Observable[]): void {
    this.#families.callbacks.addBatch(callback, observables);
  }

  removeBatchObservableCallback(callback: BatchObservableCallback, observables: Observable[]): void {
    this.#families.callbacks.removeBatch(callback, observables);
  }

  #bind<C extends CounterChild | GaugeChild | HistogramChild>(
    kind: InstrumentKind,
    name: string,
    options: MetricOptions | undefined,
  ): Bound<C> | undefined {
    return this.#families.bind(kind, name, options ?? {}, { name: this.#name, labels: this.#scope }) as never;
  }
}
