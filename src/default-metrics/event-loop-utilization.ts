/**
 * The event loop metrics that @prometheus-io/client has since 0.16: the share of time in which the loop is not idle, sampled
 * ten times a second. A blocked loop takes no samples, so the next sample counts once for each that was missed.
 */
import { performance } from 'node:perf_hooks';
import { isUnderTestRunner } from '../test-runner.js';
import type { DefaultMetricMaker } from './default-metric-maker.js';

const HELP =
  'Ratio of time the event loop is not idling in the event provider to the total time the event loop is running.';
const BUCKETS = [0.01, 0.05, 0.1, 0.25, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99, 1];

export function eventLoopUtilization(maker: DefaultMetricMaker): void {
  const { labels, utilization: options } = maker;
  const summary = maker.summary('nodejs_eventloop_utilization_summary', HELP, {
    maxAgeSeconds: options.eventLoopUtilizationMaxAgeSeconds ?? 60,
    ageBuckets: options.eventLoopUtilizationAgeBuckets ?? 5,
    percentiles: options.eventLoopUtilizationPercentiles,
  });
  const buckets = options.eventLoopUtilizationBuckets ?? BUCKETS;
  const histogram = maker.histogram('nodejs_eventloop_utilization_histogram', HELP, [], buckets);
  // a timer would keep the modules of each test file in memory, and run on after the sandbox is gone
  if (isUnderTestRunner()) return;
  const intervalMs = options.eventLoopUtilizationTimeout ?? 100;
  let before = performance.eventLoopUtilization();
  let sampledAt = performance.now();
  const timer = setInterval(() => {
    if (!maker.shows(summary) && !maker.shows(histogram)) {
      clearInterval(timer);
      return;
    }
    const now = performance.now();
    const current = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(current, before);
    const samplesDue = Math.round((now - sampledAt) / intervalMs);
    for (let sample = 0; sample < samplesDue; sample++) {
      summary.observe(labels, utilization);
      histogram.observe(labels, utilization);
    }
    before = current;
    sampledAt = now;
  }, intervalMs);
  timer.unref();
}
