import type { Aggregator } from '../registry/metric-object.js';

/**
 * What the default metrics of several processes are together. prom-client adds up most of them; where a sum means nothing
 * this differs. All are of the living processes, but counters and the histogram, which keep what dead processes have counted. What
 * begins with `process_` counts once for a process, whatever number of its threads measures it; the rest is each thread's.
 *
 * | metric | together | prom-client |
 * |---|---|---|
 * | `process_cpu_user_seconds_total`, `…_system_…`, `process_cpu_seconds_total` | sum (counters) | sum |
 * | `process_start_time_seconds` | that of the oldest | not shown |
 * | `process_resident_memory_bytes`, `process_virtual_memory_bytes`, `process_heap_bytes` | sum: pages that processes share count for each | sum |
 * | `process_open_fds` | the process that has most open, since the limit is one of each process | sum |
 * | `process_max_fds` | the lowest limit | sum |
 * | `nodejs_eventloop_lag_seconds`, `…_mean_seconds`, `…_p50_seconds` | average over processes | average |
 * | `nodejs_eventloop_lag_min_seconds` | minimum | min |
 * | `nodejs_eventloop_lag_max_seconds` | maximum | max |
 * | `nodejs_eventloop_lag_stddev_seconds`, `…_p90_seconds`, `…_p99_seconds` | maximum: no process is worse | average |
 * | `nodejs_active_resources`, `…_handles`, `…_requests` and their `_total` | sum | sum |
 * | `nodejs_heap_size_total_bytes`, `…_used_bytes`, `nodejs_external_memory_bytes` | sum | sum |
 * | `nodejs_heap_space_size_{total,used,available}_bytes` | sum, by space | sum |
 * | `nodejs_version_info` | 1 for each version that runs | first |
 * | `nodejs_gc_duration_seconds` | sum (a histogram) | sum |
 */
const AGGREGATORS: ReadonlyMap<string, Aggregator> = new Map<string, Aggregator>([
  ['process_start_time_seconds', 'min'],
  ['process_open_fds', 'max'],
  ['process_max_fds', 'min'],
  ['nodejs_eventloop_lag_seconds', 'average'],
  ['nodejs_eventloop_lag_min_seconds', 'min'],
  ['nodejs_eventloop_lag_max_seconds', 'max'],
  ['nodejs_eventloop_lag_mean_seconds', 'average'],
  ['nodejs_eventloop_lag_stddev_seconds', 'max'],
  ['nodejs_eventloop_lag_p50_seconds', 'average'],
  ['nodejs_eventloop_lag_p90_seconds', 'max'],
  ['nodejs_eventloop_lag_p99_seconds', 'max'],
  ['nodejs_version_info', 'max'],
]);

/** How a default metric's gauges merge, by its name without a prefix; undefined for what is not in the table: summed. */
export function defaultMetricAggregator(name: string): Aggregator | undefined {
  return AGGREGATORS.get(name);
}

/** What each thread of a process measures alike, and counts once for the process. */
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

/** Whether a default metric, by its name without a prefix, is the process's and not the thread's. */
export function isProcessWide(name: string): boolean {
  return PROCESS_WIDE.has(name);
}
