/**
 * Where registries get their merged output from. The collector, which is further down the stream, installs itself here;
 * without it, and while no directory is in use, a registry shows what this process counted.
 */
import type { RegistryContentType } from './content-type.js';
import type { MetricObjectWithValues, MetricValueWithName } from './metric-object.js';

export interface MergedQuery {
  /** Names of the registries whose metrics are wanted. */
  readonly registries: readonly string[];
  /** Only the metric of this name. */
  readonly metric?: string;
}

export interface MergedView {
  /** Whether there is a directory, so that other processes may have something to add. */
  active(): boolean;
  /** The exposition of all processes; '' where a metric was asked for by name and nobody has it. */
  metrics(query: MergedQuery & { readonly contentType: RegistryContentType }): Promise<string>;
  /** The same as objects; see `metricObject`. */
  getMetricsAsJSON(query: MergedQuery): Promise<MetricObjectWithValues<MetricValueWithName<string>>[]>;
}

let provided: MergedView | undefined;

/** Installs the view; `undefined` takes it away. */
export function provideMergedView(view: MergedView | undefined): void {
  provided = view;
}

/** The view, where there is one to ask. */
export function mergedView(): MergedView | undefined {
  return provided?.active() === true ? provided : undefined;
}

/** Whose values `register.metrics()` has: `PROM_MULTIPROC_SCOPE=process` says that they are this process's. */
export function defaultScope(): 'process' | 'merged' {
  return process.env.PROM_MULTIPROC_SCOPE === 'process' ? 'process' : 'merged';
}
