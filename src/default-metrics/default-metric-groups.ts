/** The groups of default metrics, with the names and in the order of prom-client's files. */
import type { DefaultMetricMaker } from './default-metric-maker.js';
import { eventLoopLag } from './event-loop-lag.js';
import { eventLoopUtilization } from './event-loop-utilization.js';
import { garbageCollection } from './garbage-collection.js';
import { processCpu } from './process-cpu.js';
import { UPSTREAM_FILES, upstreamCollector, type DefaultMetricGroup } from './upstream.js';

/** prom-client 15 has no group of this name; it is collected only on request. */
const ON_DEMAND = 'eventLoopUtilization';

/** The groups of prom-client. */
export const DEFAULT_GROUPS: readonly DefaultMetricGroup[] = UPSTREAM_FILES;

const AFTER_LAG = UPSTREAM_FILES.indexOf('eventLoopLag') + 1;
const ALL_GROUPS = [...UPSTREAM_FILES.slice(0, AFTER_LAG), ON_DEMAND, ...UPSTREAM_FILES.slice(AFTER_LAG)] as const;

/**
 * The groups that this package measures itself; prom-client's collectors measure the others. `default-metric-merge.ts` defines
 * how all of them are merged over processes.
 */
const MEASURED_HERE: { readonly [group in DefaultMetricGroup]?: (maker: DefaultMetricMaker) => void } = {
  processCpuTotal: processCpu,
  eventLoopLag,
  eventLoopUtilization,
  gc: garbageCollection,
};

export function isDefaultMetricGroup(name: unknown): name is DefaultMetricGroup {
  return (ALL_GROUPS as unknown[]).includes(name);
}

export function collectGroups(groups: ReadonlySet<DefaultMetricGroup>, maker: DefaultMetricMaker): void {
  for (const group of ALL_GROUPS) {
    if (!groups.has(group)) continue;
    const collect = MEASURED_HERE[group];
    if (collect !== undefined) collect(maker);
    else if (group !== ON_DEMAND) maker.upstream(group);
  }
}

/** Returns the names of a group's metrics, without a prefix. */
export function defaultMetricNames(group: DefaultMetricGroup): readonly string[] {
  return group === ON_DEMAND
    ? ['nodejs_eventloop_utilization_summary', 'nodejs_eventloop_utilization_histogram']
    : upstreamCollector(group).metricNames;
}

let allNames: ReadonlySet<string> | undefined;

/** Whether a group has a metric of this name, which is given without a prefix. */
export function isDefaultMetricName(name: string): boolean {
  allNames ??= new Set(ALL_GROUPS.flatMap(defaultMetricNames));
  return allNames.has(name);
}
