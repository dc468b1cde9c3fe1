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

type Delays = Readonly<Record<'min' | 'max' | 'mean' | 'stddev' | 'p50' | 'p90' | 'p99', number>>;

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
    lagMin.set(labels, Math.min(full.min, now.min));
    lagMax.set(labels, Math.max(full.max, now.max));
    const closes = hrtime.bigint() - windowStart >= WINDOW_MS * 1e6;
    const { mean, stddev, p50, p90, p99 } = closes ? now : full;
    lagMean.set(labels, mean);
    lagStddev.set(labels, stddev);
    lagP50.set(labels, p50);
    lagP90.set(labels, p90);
    lagP99.set(labels, p99);
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
  const lagMin = make('min_seconds', 'The minimum recorded event loop delay.');
  const lagMax = make('max_seconds', 'The maximum recorded event loop delay.');
  const lagMean = make('mean_seconds', 'The mean of the recorded event loop delays.');
  const lagStddev = make('stddev_seconds', 'The standard deviation of the recorded event loop delays.');
  const lagP50 = make('p50_seconds', 'The 50th percentile of the recorded event loop delays.');
  const lagP90 = make('p90_seconds', 'The 90th percentile of the recorded event loop delays.');
  const lagP99 = make('p99_seconds', 'The 99th percentile of the recorded event loop delays.');
  enable();
}

function delaysIn(histogram: IntervalHistogram): Delays | undefined {
  if (!(histogram.max > 0)) return undefined;
  return {
    min: histogram.min / NANOSECONDS,
    max: histogram.max / NANOSECONDS,
    mean: histogram.mean / NANOSECONDS,
    stddev: histogram.stddev / NANOSECONDS,
    p50: histogram.percentile(50) / NANOSECONDS,
    p90: histogram.percentile(90) / NANOSECONDS,
    p99: histogram.percentile(99) / NANOSECONDS,
  };
}
