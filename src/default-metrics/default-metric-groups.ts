/** The groups of default metrics, with the names and in the order of prom-client's files. */
import type { DefaultMetricMaker } from './default-metric-maker.js';
import { eventLoopLag } from './event-loop-lag.js';
import { eventLoopUtilization } from './event-loop-utilization.js';
import { garbageCollection } from './garbage-collection.js';
import { processCpu } from './process-cpu.js';
import { type UpstreamFile, upstreamMetricNames } from './upstream.js';

type Collect = (maker: DefaultMetricMaker) => void;

function measuredUpstream(file: UpstreamFile): Collect {
  return (maker) => maker.upstream(file);
}

/** `default-metric-merge.ts` defines how they are merged over processes. */
const GROUPS = {
  processCpuTotal: processCpu,
  processStartTime: measuredUpstream('processStartTime'),
  osMemoryHeap: measuredUpstream('osMemoryHeap'),
  processOpenFileDescriptors: measuredUpstream('processOpenFileDescriptors'),
  processMaxFileDescriptors: measuredUpstream('processMaxFileDescriptors'),
  eventLoopLag,
  eventLoopUtilization,
  processResources: measuredUpstream('processResources'),
  processHandles: measuredUpstream('processHandles'),
  processRequests: measuredUpstream('processRequests'),
  heapSizeAndUsed: measuredUpstream('heapSizeAndUsed'),
  heapSpacesSizeAndUsed: measuredUpstream('heapSpacesSizeAndUsed'),
  version: measuredUpstream('version'),
  gc: garbageCollection,
} as const satisfies Record<string, Collect>;

export type DefaultMetricGroup = keyof typeof GROUPS;

const ALL_GROUPS = Object.keys(GROUPS) as DefaultMetricGroup[];
/** prom-client 15 has no group of this name; it is collected only on request. */
const ON_DEMAND = 'eventLoopUtilization';

/** The groups of prom-client. */
export const DEFAULT_GROUPS: readonly DefaultMetricGroup[] = ALL_GROUPS.filter((group) => group !== ON_DEMAND);

export function isDefaultMetricGroup(name: unknown): name is DefaultMetricGroup {
  return (ALL_GROUPS as unknown[]).includes(name);
}

export function collectGroups(groups: ReadonlySet<DefaultMetricGroup>, maker: DefaultMetricMaker): void {
  for (const group of ALL_GROUPS) if (groups.has(group)) GROUPS[group](maker);
}

/** Returns the names of a group's metrics, without a prefix. */
export function defaultMetricNames(group: DefaultMetricGroup): readonly string[] {
  return group === ON_DEMAND
    ? ['nodejs_eventloop_utilization_summary', 'nodejs_eventloop_utilization_histogram']
    : upstreamMetricNames(group);
}

let allNames: ReadonlySet<string> | undefined;

/** Whether a group has a metric of this name, which is given without a prefix. */
export function isDefaultMetricName(name: string): boolean {
  allNames ??= new Set(ALL_GROUPS.flatMap(defaultMetricNames));
  return allNames.has(name);
}
