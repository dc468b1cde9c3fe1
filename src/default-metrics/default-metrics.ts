import type { PrometheusContentType, RegistryContentType } from '../registry/content-type.js';
import { DefaultMetricMaker, type DefaultMetricOptions } from './default-metric-maker.js';
import { eventLoopLag } from './event-loop-lag.js';
import { garbageCollection } from './garbage-collection.js';
import type { UpstreamFile } from './upstream.js';

/**
 * What a registry is to whoever registers metrics. By this type the module as a whole is assignable to prom-client's, which
 * libraries that are given a client ask for: fastify-metrics' `promClient`.
 */
export interface RegistryOfType<T extends RegistryContentType> {
  readonly contentType: T;
  registerMetric(metric: any): void;
  getSingleMetric(name: string): any;
}

export interface DefaultMetricsCollectorConfiguration<T extends RegistryContentType> {
  /** Where they are shown. Default: the default registry. */
  register?: RegistryOfType<T>;
  /** Put before every name. */
  prefix?: string;
  /** Upper bounds in seconds. Default 0.001, 0.01, 0.1, 1, 2, 5. */
  gcDurationBuckets?: number[];
  /** Milliseconds between two looks at the event loop. Default 10. */
  eventLoopMonitoringPrecision?: number;
  /** Labels and their values, which every series gets. */
  labels?: object;
  /**
   * Shows each living process's gauges by themselves, with a label `pid`. The CPU counters and the histogram stay summed:
   * they have to keep what the dead have counted, and would have a series more with each restart.
   */
  perProcess?: boolean;
}

type Collect = (maker: DefaultMetricMaker) => void;

function measuredUpstream(file: UpstreamFile): Collect {
  return (maker) => maker.upstream(file);
}

/** prom-client's names and order. What they mean for several processes: default-metric-merge.ts. */
const METRICS: Readonly<Record<string, Collect>> = {
  processCpuTotal: measuredUpstream('processCpuTotal'),
  processStartTime: measuredUpstream('processStartTime'),
  osMemoryHeap: measuredUpstream('osMemoryHeap'),
  processOpenFileDescriptors: measuredUpstream('processOpenFileDescriptors'),
  processMaxFileDescriptors: measuredUpstream('processMaxFileDescriptors'),
  eventLoopLag,
  processResources: measuredUpstream('processResources'),
  processHandles: measuredUpstream('processHandles'),
  processRequests: measuredUpstream('processRequests'),
  heapSizeAndUsed: measuredUpstream('heapSizeAndUsed'),
  heapSpacesSizeAndUsed: measuredUpstream('heapSpacesSizeAndUsed'),
  version: measuredUpstream('version'),
  gc: garbageCollection,
};

export interface CollectDefaultMetrics {
  /**
   * Registers the metrics of this process that prom-client has by default.
   *
   * @throws {TypeError} prom-client's, where `config` is no object
   * @throws {Error} prom-client's, where a metric is registered already
   */
  <T extends RegistryContentType = PrometheusContentType>(config?: DefaultMetricsCollectorConfiguration<T>): void;
  /** Names of the groups of metrics. */
  metricsList: string[];
}

export const collectDefaultMetrics: CollectDefaultMetrics = Object.assign(
  (config?: DefaultMetricsCollectorConfiguration<any>): void => {
    if (config !== null && config !== undefined && typeof config !== 'object') {
      throw new TypeError('config must be null, undefined, or an object');
    }
    const maker = new DefaultMetricMaker((config ?? {}) as DefaultMetricOptions);
    for (const collect of Object.values(METRICS)) collect(maker);
  },
  { metricsList: Object.keys(METRICS) },
);
