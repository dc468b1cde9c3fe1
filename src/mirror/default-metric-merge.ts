import type { Aggregator } from '../registry/metric-object.js';

/**
 * How default metrics are merged over processes. prom-client sums most of them; this table differs where a sum has no
 * meaning. Gauges are those of living processes; counters and the histogram keep the values of dead processes. Metrics that
 * begin with `process_` count once per process, whatever number of its threads measures them; the others count per thread.
 *
 * | metric | merged | prom-client |
 * |---|---|---|
 * | `process_cpu_user_seconds_total`, `…_system_…`, `process_cpu_seconds_total` | sum (counters) | sum |
 * | `process_start_time_seconds` | that of the oldest process | not shown |
 * | `process_resident_memory_bytes`, `process_virtual_memory_bytes`, `process_heap_bytes` | sum; pages shared by processes count for each of them | sum |
 * | `process_open_fds` | maximum, since the limit applies to each process | sum |
 * | `process_max_fds` | the lowest limit | sum |
 * | `nodejs_eventloop_lag_seconds`, `…_mean_seconds`, `…_p50_seconds` | average over processes | average |
 * | `nodejs_eventloop_lag_min_seconds` | minimum | min |
 * | `nodejs_eventloop_lag_max_seconds` | maximum | max |
 * | `nodejs_eventloop_lag_stddev_seconds`, `…_p90_seconds`, `…_p99_seconds` | maximum, the worst process | average |
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

/**
 * Returns the aggregator of a default metric, by its name without a prefix; undefined if it is not in the table and is
 * summed.
 */
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
