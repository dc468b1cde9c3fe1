import { symbolOfCopies } from '../copies.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import type { MetricFamily } from '../model/metric-family.js';
import type { CollectRun } from '../storage/collect-updates.js';

/**
 * The interface between a registry and the metrics of this package. A registry may hold other metrics too, such as
 * prom-client's own or those that `AggregatorRegistry.aggregate` makes; they have only `get`.
 */
export const MEMBER: unique symbol = symbolOfCopies('member') as never;

/** The part of a registry that metrics and callbacks use. */
export interface ShowingRegistry {
  /** The registry names under which merged output shows its metrics. */
  readonly shownAs: readonly string[];
  registered(): Iterable<RegisteredMetric>;
}

export interface Member {
  /** Whether merged output of all processes shows the metric. */
  readonly shared: boolean;
  /** Tells the metric that it was added to a registry that merged output shows. */
  entered(registry: ShowingRegistry): void;
  left(registry: ShowingRegistry): void;
  /** Marks the start of a `collect()` of the metric: other processes see its changes when it has ended. */
  beginCollect(): CollectRun;
  /** Prepares values to be read. @param collected whether `collect()` succeeded */
  prepareRead(collected: boolean): void;
  readonly declaration: FamilyDeclaration;
  family(withCreated?: boolean): MetricFamily;
}

export interface RegisteredMetric {
  readonly name: string;
  /** Returns the object of prom-client's `metric.get()`. */
  get(): unknown;
  reset?(): void;
  readonly type?: unknown;
  readonly labelNames?: any;
  readonly enableExemplars?: boolean;
  readonly states?: readonly string[];
  readonly aggregator?: string;
  readonly collect?: (() => unknown) | undefined;
  readonly [MEMBER]?: Member;
}
