import { symbolOfCopies } from '../copies.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import type { MetricFamily } from '../model/metric-family.js';
import type { CollectRun } from '../storage/collect-updates.js';

/**
 * How a registry talks to the metrics of this package. Others may be registered too, such as prom-client's own or what
 * `AggregatorRegistry.aggregate` makes: those have `get` and no more.
 */
export const MEMBER: unique symbol = symbolOfCopies('member') as never;

/** A registry, as its metrics and their callbacks use it. */
export interface ShowingRegistry {
  /** The names under which merged output shows its metrics. */
  readonly shownAs: readonly string[];
  registered(): Iterable<RegisteredMetric>;
}

export interface Member {
  /** Whether merged output of all processes shows it. */
  readonly shared: boolean;
  /** A registry that is shown in merged output has taken the metric in. */
  entered(registry: ShowingRegistry): void;
  left(registry: ShowingRegistry): void;
  /** A `collect()` of the metric begins: other processes see what it does when it has ended. */
  beginCollect(): CollectRun;
  /** What is due before values are read. @param collected whether `collect()` has run without failing */
  settle(collected: boolean): void;
  readonly declaration: FamilyDeclaration;
  /** The values as they stand. */
  family(withCreated?: boolean): MetricFamily;
}

/** What any registered metric has. */
export interface RegisteredMetric {
  readonly name: string;
  /** The object of prom-client's `metric.get()`. */
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
