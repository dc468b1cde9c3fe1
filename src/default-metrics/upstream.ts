/**
 * The parts of prom-client 15.1.3 that are used unchanged: the code that measures the process. It is loaded when it is first
 * needed. Its Registry renders nothing here: an OpenMetrics render renames counters permanently, and prints NaN as `Nan`.
 */
import type { ForeignMetricObject } from '../registry/metric-object.js';

interface UpstreamMetric extends ForeignMetricObject {
  readonly labelNames: readonly string[];
  get(): Promise<ForeignMetricObject>;
}

interface UpstreamRegistry {
  getMetricsAsArray(): UpstreamMetric[];
}

/** Registers the metrics of one group. */
interface UpstreamCollector {
  (registry: UpstreamRegistry, config: { prefix?: string; labels?: object }): void;
  readonly metricNames: readonly string[];
}

export function upstreamRegistry(): UpstreamRegistry {
  const Registry = require('prom-client/lib/registry') as new () => UpstreamRegistry;
  return new Registry();
}

/** Each file is required by its full name: bundlers can follow no other. */
const COLLECTORS = {
  processCpuTotal: () => require('prom-client/lib/metrics/processCpuTotal') as UpstreamCollector,
  processStartTime: () => require('prom-client/lib/metrics/processStartTime') as UpstreamCollector,
  osMemoryHeap: () => require('prom-client/lib/metrics/osMemoryHeap') as UpstreamCollector,
  processOpenFileDescriptors: () => require('prom-client/lib/metrics/processOpenFileDescriptors') as UpstreamCollector,
  processMaxFileDescriptors: () => require('prom-client/lib/metrics/processMaxFileDescriptors') as UpstreamCollector,
  eventLoopLag: () => require('prom-client/lib/metrics/eventLoopLag') as UpstreamCollector,
  processResources: () => require('prom-client/lib/metrics/processResources') as UpstreamCollector,
  processHandles: () => require('prom-client/lib/metrics/processHandles') as UpstreamCollector,
  processRequests: () => require('prom-client/lib/metrics/processRequests') as UpstreamCollector,
  heapSizeAndUsed: () => require('prom-client/lib/metrics/heapSizeAndUsed') as UpstreamCollector,
  heapSpacesSizeAndUsed: () => require('prom-client/lib/metrics/heapSpacesSizeAndUsed') as UpstreamCollector,
  version: () => require('prom-client/lib/metrics/version') as UpstreamCollector,
  gc: () => require('prom-client/lib/metrics/gc') as UpstreamCollector,
} as const satisfies Record<string, () => UpstreamCollector>;

/** Files below prom-client/lib/metrics, in its order. */
export const UPSTREAM_FILES = Object.keys(COLLECTORS) as UpstreamFile[];

export type UpstreamFile = keyof typeof COLLECTORS;

export type DefaultMetricGroup = UpstreamFile | 'eventLoopUtilization';

export function upstreamCollector(file: UpstreamFile): UpstreamCollector {
  return COLLECTORS[file]();
}
