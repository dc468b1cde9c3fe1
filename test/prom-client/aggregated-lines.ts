/** The lines that programs/json-aggregate.ts prints with any client, in a cluster and under PM2. */
export const AGGREGATED_LINES: readonly string[] = [
  'busy 7',
  'job_seconds_bucket{le="+Inf"} 3',
  'job_seconds_bucket{le="1"} 0',
  'job_seconds_bucket{le="5"} 3',
  'job_seconds_count 3',
  'job_seconds_sum 6',
  'jobs_total{kind="a"} 30',
  'load 7',
];
