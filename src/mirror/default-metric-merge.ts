import type { Aggregator } from '../registry/metric-object.js';

/**
 * How default metrics are merged over processes, where a sum has no meaning. Gauges are those of living processes; counters and
 * the histogram keep the values of dead processes. The guide's page on migration compares this with prom-client.
 */
const AGGREGATORS: ReadonlyMap<string, Aggregator> = new Map<string, Aggregator>([
  ['process_start_time_seconds', 'min'],
  // the limit applies to each process
  ['process_open_fds', 'max'],
  ['process_max_fds', 'min'],
  ['nodejs_eventloop_lag_seconds', 'average'],
  ['nodejs_eventloop_lag_min_seconds', 'min'],
  ['nodejs_eventloop_lag_max_seconds', 'max'],
  ['nodejs_eventloop_lag_mean_seconds', 'average'],
  ['nodejs_eventloop_lag_p50_seconds', 'average'],
  // those of the worst process
  ['nodejs_eventloop_lag_stddev_seconds', 'max'],
  ['nodejs_eventloop_lag_p90_seconds', 'max'],
  ['nodejs_eventloop_lag_p99_seconds', 'max'],
  // 1 for each version that runs
  ['nodejs_version_info', 'max'],
]);

/** Returns the aggregator of a default metric, by its name without a prefix; undefined if it is summed. */
export function defaultMetricAggregator(name: string): Aggregator | undefined {
  return AGGREGATORS.get(name);
}

/** Metrics that every thread of a process measures with the same result, and that count once per process. */
const PROCESS_WIDE: ReadonlySet<string> = new Set([
  'process_cpu_user_seconds_total',
  'process_cpu_system_seconds_total',
  'process_cpu_seconds_total',
  'process_start_time_seconds',
  'process_resident_memory_bytes',
  'process_virtual_memory_bytes',
  'process_heap_bytes',
  'process_open_fds',
  'process_max_fds',
]);

/** Whether a default metric, by its name without a prefix, belongs to the process and not to the thread. */
export function isProcessWide(name: string): boolean {
  return PROCESS_WIDE.has(name);
}
