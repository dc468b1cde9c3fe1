/**
 * prom-client's event loop metrics. prom-client resets its histogram at every read, so that a scrape shows the time since
 * the previous scrape. Here a process is read more often than it is scraped (every 5 s while other processes may need its
 * values), and a stall would disappear before a scrape could show it. So a window lasts at least 15 s, and the extremes are
 * those of the current window and the previous one.
 */
import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
// not the global variable: a test runner removes that from a test's sandbox while an immediate is still pending
import { hrtime } from 'node:process';
import { isUnderTestRunner } from '../test-runner.js';
import type { Gauge } from '../instruments/gauge.js';
import type { DefaultMetricMaker } from './default-metric-maker.js';

const WINDOW_MS = 15_000;
const NANOSECONDS = 1e9;

/** The figures of the histogram, each with its gauge's description. */
const HELP = {
  min: 'The minimum recorded event loop delay.',
  max: 'The maximum recorded event loop delay.',
  mean: 'The mean of the recorded event loop delays.',
  stddev: 'The standard deviation of the recorded event loop delays.',
  p50: 'The 50th percentile of the recorded event loop delays.',
  p90: 'The 90th percentile of the recorded event loop delays.',
  p99: 'The 99th percentile of the recorded event loop delays.',
} as const;

type Delay = keyof typeof HELP;
type Delays = Readonly<Record<Delay, number>>;

/**
 * A histogram wakes the process every few milliseconds, even after its metrics were cleared, as tests do again and again.
 */
const enabled = new Map<IntervalHistogram, () => boolean>();

function disableUnused(): void {
  for (const [histogram, isShown] of enabled) {
    if (isShown()) continue;
    histogram.disable();
    enabled.delete(histogram);
  }
}

export function eventLoopLag(maker: DefaultMetricMaker): void {
  const { labels, eventLoopMonitoringPrecision: resolution } = maker;
  disableUnused();
  const histogram = monitorEventLoopDelay({ resolution });
  const enable = (): void => {
    if (enabled.has(histogram)) return;
    histogram.enable();
    enabled.set(histogram, () => maker.shows(lag));
  };
  let windowStart = hrtime.bigint();
  let before: Delays | undefined;

  const collect = (): void => {
    // the registry may have been cleared, and the metric registered again
    enable();
    measureLag();
    const now = delaysIn(histogram);
    // before its first tick, the histogram holds NaN, and a minimum of 292 years
    if (now === undefined) return;
    const full = before ?? now;
    const closes = hrtime.bigint() - windowStart >= WINDOW_MS * 1e6;
    const shown: Delays = {
      ...(closes ? now : full),
      min: Math.min(full.min, now.min),
      max: Math.max(full.max, now.max),
    };
    for (const [delay, gauge] of gauges) gauge.set(labels, shown[delay]);
    if (!closes) return;
    before = now;
    windowStart = hrtime.bigint();
    histogram.reset();
  };

  /**
   * The next read shows the result: waiting for it would delay this read for as long as the loop is blocked. Under a test
   * runner the result could arrive after the test file's globals are gone.
   */
  const measureLag = (): void => {
    if (isUnderTestRunner()) return;
    const start = hrtime.bigint();
    setImmediate(() => lag.set(labels, Number(hrtime.bigint() - start) / NANOSECONDS));
  };

  const make = (name: string, help: string, first?: () => void): Gauge => {
    const gauge = maker.gauge(`nodejs_eventloop_lag_${name}`, help, first);
    // no line before the first measurement
    gauge.remove(labels);
    return gauge;
  };
  const lag = make('seconds', 'Lag of event loop in seconds.', collect);
  const gauges = (Object.keys(HELP) as Delay[]).map((delay) => [delay, make(`${delay}_seconds`, HELP[delay])] as const);
  enable();
}

function delaysIn(histogram: IntervalHistogram): Delays | undefined {
  if (!(histogram.max > 0)) return undefined;
  const [p50, p90, p99] = [50, 90, 99].map((rank) => histogram.percentile(rank) / NANOSECONDS);
  const [min, max] = [histogram.min / NANOSECONDS, histogram.max / NANOSECONDS];
  return { min, max, mean: histogram.mean / NANOSECONDS, stddev: histogram.stddev / NANOSECONDS, p50, p90, p99 };
}
