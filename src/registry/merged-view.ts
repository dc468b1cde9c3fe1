/**
 * The source of merged output for registries. The collector installs itself, since this room may not import it. Without
 * it, or while no directory is in use, a registry shows only the values of this process.
 */
import { isForkingPrimary } from '../directory/role.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import type { MetricFamily } from '../model/metric-family.js';
import { DEFAULT_REGISTRY } from '../model/registry-id.js';
import type { RegistryContentType } from './content-type.js';

/** Selects families: those of named registries, or those of one unnamed registry. */
export type MergedQuery = {
  /** Leaves out the values of the primary of a cluster. */
  readonly withoutPrimary?: boolean;
  /** Adds the registries that processes gave to `setRegistries`. */
  readonly chosen?: boolean;
  /** Leaves out the default labels of the registries. */
  readonly withoutDefaultLabels?: boolean;
} & ({ readonly registries: readonly string[] } | { readonly unnamed: UnnamedQuery });

/** An unnamed registry shows only families that it holds in this process. */
export interface UnnamedQuery {
  readonly id: string;
  readonly declarations: readonly FamilyDeclaration[];
}

/**
 * Its results are of all processes. `missing` has names of selected families that the output lacks, because it is not known
 * which registry they belong to in other processes.
 */
export interface MergedView {
  /** Whether a directory is in use, so that other processes may have values to add. */
  active(): boolean;
  metrics(query: MergedQuery, contentType: RegistryContentType): Promise<{ text: string; missing: readonly string[] }>;
  families(query: MergedQuery): Promise<{ families: readonly MetricFamily[]; missing: readonly string[] }>;
}

let provided: MergedView | undefined;

/** Installs the view; `undefined` removes it. */
export function provideMergedView(view: MergedView | undefined): void {
  provided = view;
}

export function mergedView(): MergedView | undefined {
  return provided?.active() === true ? provided : undefined;
}

let aggregates = false;

/** Records that this process has made an AggregatorRegistry. */
export function noteAggregator(): void {
  aggregates = true;
}

/**
 * Returns the default scope of a registry's `metrics()`. In a primary that has made an AggregatorRegistry it is the process,
 * except for registries with a name of their own: the program shows these values beside `clusterMetrics()`.
 */
export function defaultScope(registry: string | undefined): 'process' | 'merged' {
  if (process.env.PROM_MULTIPROC_SCOPE === 'process') return 'process';
  const isBesideOthers = registry === undefined || registry === DEFAULT_REGISTRY;
  return aggregates && isBesideOthers && isForkingPrimary() ? 'process' : 'merged';
}
