/**
 * The parts of prom-client 15.1.3 that are used as they are: what measures the process. Loaded when they are first needed.
 * Nothing is rendered with its Registry: an OpenMetrics render renames counters for good, and NaN comes out as `Nan`.
 */
import type { MirrorSource } from './mirror-registry.js';
import type { SourceMetric } from './mirrored-metric.js';

export interface UpstreamMetric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  readonly labelNames: readonly string[];
  get(): Promise<SourceMetric>;
}

export interface UpstreamRegistry extends MirrorSource {
  getMetricsAsArray(): UpstreamMetric[];
}

/** Registers the metrics of one aspect of the process. */
export type UpstreamCollector = (registry: UpstreamRegistry, config: { prefix?: string; labels?: object }) => void;

export function upstreamRegistry(): UpstreamRegistry {
  const Registry = require('prom-client/lib/registry') as new () => UpstreamRegistry;
  return new Registry();
}

/** @param file below prom-client/lib/metrics */
export function upstreamCollector(file: string): UpstreamCollector {
  return require(`prom-client/lib/metrics/${file}`) as UpstreamCollector;
}
