import { Counter } from '../instruments/counter.js';
import { Gauge } from '../instruments/gauge.js';
import type { MetricConfiguration, SummaryConfiguration } from '../instruments/configuration.js';
import { Histogram } from '../instruments/histogram.js';
import { Summary } from '../instruments/summary.js';
import { register as defaultRegistry } from '../registry/default-registry.js';
import type { Registry } from '../registry/registry.js';
import { defaultMetricAggregator, isProcessWide } from '../mirror/default-metric-merge.js';
import { mirroredMetric, type MirroredMetric } from '../mirror/mirrored-metric.js';
import type { DefaultMetricsCollectorConfiguration, UtilizationOptions } from './configuration.js';
import { upstreamCollector, type UpstreamFile, upstreamRegistry } from './upstream.js';

/** Makes default metrics with the options of one call of `collectDefaultMetrics`. */
export class DefaultMetricMaker {
  readonly labels: Record<string, string | number>;
  readonly eventLoopMonitoringPrecision: number;
  readonly gcDurationBuckets: number[] | undefined;
  readonly utilization: UtilizationOptions;
  readonly #prefix: string;
  readonly #register: Registry<any>;
  readonly #perProcess: boolean;

  constructor(config: DefaultMetricsCollectorConfiguration<any>) {
    this.labels = { ...config.labels };
    this.eventLoopMonitoringPrecision = config.eventLoopMonitoringPrecision ?? 10;
    this.gcDurationBuckets = config.gcDurationBuckets;
    this.utilization = config;
    this.#prefix = config.prefix ?? '';
    this.#register = (config.register as Registry<any> | undefined) ?? defaultRegistry;
    this.#perProcess = config.perProcess === true;
  }

  gauge(name: string, help: string, collect?: () => void): Gauge {
    return new Gauge({
      ...this.#of(name, help),
      collect,
      ...(this.#perProcess ? { multiprocessMode: 'liveall' } : { aggregator: defaultMetricAggregator(name) }),
    });
  }

  counter(name: string, help: string, collect?: () => void): Counter {
    return new Counter({ ...this.#of(name, help), processWide: isProcessWide(name), collect });
  }

  histogram(name: string, help: string, labelNames: readonly string[], buckets: readonly number[]): Histogram {
    return new Histogram({ ...this.#of(name, help, labelNames), buckets });
  }

  summary(name: string, help: string, options: Partial<SummaryConfiguration<string>>): Summary {
    return new Summary({ ...options, ...this.#of(name, help) });
  }

  /** Options that all metrics have. */
  #of(name: string, help: string, labelNames: readonly string[] = []): MetricConfiguration<string> {
    return {
      name: this.#prefix + name,
      help,
      labelNames: [...labelNames, ...Object.keys(this.labels)],
      registers: [this.#register],
    };
  }

  /** Whether the registry still holds this metric, which was made for it. */
  shows(metric: { readonly name: string }): boolean {
    return this.#register.getSingleMetric(metric.name) === metric;
  }

  /**
   * Makes the metrics of one of prom-client's files. That file measures into a registry of its own, which is copied at each
   * read.
   */
  upstream(file: UpstreamFile): void {
    const source = upstreamRegistry();
    upstreamCollector(file)(source, { prefix: this.#prefix, labels: this.labels });
    const metrics = source.getMetricsAsArray();
    const copies: (MirroredMetric | undefined)[] = [];
    let running: Promise<void> | undefined;
    const copy = async (): Promise<void> => {
      // all together: the collect() of the first one updates the others too
      const read = await Promise.all(metrics.map((metric) => metric.get()));
      read.forEach(({ values }, at) => copies[at]?.update(values ?? []));
    };
    const collect = (): Promise<void> => {
      running ??= copy().finally(() => {
        running = undefined;
      });
      return running;
    };
    for (const metric of metrics) {
      const { name, help, type, aggregator, labelNames } = metric;
      const target = {
        ...{ registers: [this.#register], labelNames, collect },
        unprefixedName: name.slice(this.#prefix.length),
        multiprocessMode: this.#perProcess ? ('liveall' as const) : undefined,
      };
      copies.push(mirroredMetric({ name, help, type, aggregator }, target));
    }
  }
}
