/** Metrics whose labels are open: the attributes of OpenTelemetry are not declared. */
import type { Child } from '../instruments/child.js';
import { Counter, type CounterChild } from '../instruments/counter.js';
import { Gauge, type GaugeChild } from '../instruments/gauge.js';
import { Histogram, type HistogramChild } from '../instruments/histogram.js';
import type { MetricSeries } from '../instruments/metric-series.js';
import { runFirstCallbacks } from '../registry/collect-callbacks.js';
import type { RegisteredMetric } from '../registry/member.js';
import { warnOnce } from '../warn-once.js';

/** More names than this are a mistake: names that contain values. */
const MAX_LABELS = 128;

interface OpenMetric<C extends Child> extends RegisteredMetric {
  readonly series: MetricSeries<C>;
  collect: (() => unknown) | undefined;
}

export class OpenSeries<C extends Child> {
  readonly #series: MetricSeries<C>;
  readonly #metric: OpenMetric<C>;

  /** @param metric made with `OPEN_LABELS` */
  constructor(metric: OpenMetric<C>) {
    this.#series = metric.series;
    this.#metric = metric;
  }

  get name(): string {
    return this.#metric.name;
  }

  /** Makes the metric update its values at each read, and once now, as it is registered already. */
  collectBy(collect: () => Promise<void>): void {
    if (this.#metric.collect !== undefined) return;
    this.#metric.collect = collect;
    if (this.#series.shared) runFirstCallbacks([this.#metric]);
  }

  get size(): number {
    return this.#series.index.size;
  }

  /** Returns the child of these labels, with slots; undefined where a limit forbids it, and the sample is dropped. */
  childOf(labels: ReadonlyMap<string, string>): C | undefined {
    const { name, labelNames: known } = this.#series.declaration;
    const added = [...labels.keys()].filter((label) => !known.includes(label));
    if (known.length + added.length > MAX_LABELS) {
      this.#series.store.dropSample(this.#series.stored, 'max_series');
      warnOnce(
        `labels of ${name}`,
        `${name} has ${MAX_LABELS} different attributes; samples with further ones are dropped`,
      );
      return undefined;
    }
    if (added.length > 0) this.#series.addLabelNames(added);
    const { labelNames } = this.#series.declaration;
    return this.#series.attached(this.#series.ofValues(labelNames.map((label) => labels.get(label))));
  }

  remove(child: C): void {
    this.#series.remove(child);
  }

  /** Counts a sample that cannot be added, and logs the first one. */
  drop(value: unknown): void {
    this.#series.dropUncountable(value as number);
  }
}

// the series of a metric are protected: these classes show them

export class OpenCounter extends Counter {
  declare readonly series: MetricSeries<CounterChild>;
}

export class OpenGauge extends Gauge {
  declare readonly series: MetricSeries<GaugeChild>;
}

export class OpenHistogram extends Histogram {
  declare readonly series: MetricSeries<HistogramChild>;
}
