/**
 * Where registries get their merged output from. The collector, which is further down the stream, installs itself here;
 * without it, and while no directory is in use, a registry shows what this process counted.
 */
import { isForkingPrimary } from '../directory/role.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import type { MetricFamily } from '../model/metric-family.js';
import { DEFAULT_REGISTRY } from '../model/registry-id.js';
import type { RegistryContentType } from './content-type.js';

/** Whose families are wanted: those of registries by their names, or those of one registry that has no name. */
export type MergedQuery = {
  /** Leaves out what the primary of a cluster has counted. */
  readonly withoutPrimary?: boolean;
} & ({ readonly registries: readonly string[] } | { readonly unnamed: UnnamedQuery });

/** A registry without a name shows the families that it has itself. */
export interface UnnamedQuery {
  /** As families' records name it. */
  readonly id: string;
  readonly declarations: readonly FamilyDeclaration[];
}

/** Names of the wanted families that the output cannot have, because nothing tells whose they are in other processes. */
interface Incomplete {
  readonly missing: readonly string[];
}

export interface MergedView {
  /** Whether there is a directory, so that other processes may have something to add. */
  active(): boolean;
  /** The exposition of all processes. */
  metrics(query: MergedQuery, contentType: RegistryContentType): Promise<Incomplete & { readonly text: string }>;
  /** The same as a data model. */
  families(query: MergedQuery): Promise<Incomplete & { readonly families: readonly MetricFamily[] }>;
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

let aggregates = false;

/** This process has made an AggregatorRegistry. */
export function noteAggregator(): void {
  aggregates = true;
}

/**
 * Whose values `metrics()` of a registry has where nobody says. In a primary that has made an AggregatorRegistry they are its
 * own, but of registries with names of their own: its program shows them beside `clusterMetrics()`.
 */
export function defaultScope(registry: string | undefined): 'process' | 'merged' {
  if (process.env.PROM_MULTIPROC_SCOPE === 'process') return 'process';
  const isBesideOthers = registry === undefined || registry === DEFAULT_REGISTRY;
  return aggregates && isBesideOthers && isForkingPrimary() ? 'process' : 'merged';
}
