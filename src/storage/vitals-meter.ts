/**
 * Measures this process, or worker thread, for the vitals in its file. It costs 0.03 % to 0.04 % of a core (`npm run bench -- vitals`): most of that is
 * the timer that notices when the event loop does not turn, so its resolution is a tenth of a second. A wait of x is measured as x less
 * up to 0.1 s.
 */
import { type IntervalHistogram, monitorEventLoopDelay, performance, PerformanceObserver } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { workerSlot } from '../directory/worker-slot.js';
import type { Vitals } from '../metrics-file/layout.js';
import type { SeriesStore } from './series-store.js';
import { DEFAULT_MAX_SERIES } from './series-limits.js';

const RESOLUTION_MS = 100;
/** The file is also maintained between two heartbeats, as when it is read; a share of less time is mostly noise. */
const LEAST_MS = 2000;

/** Node has it from 23.9 on. */
const threadCpuUsage = (process as { threadCpuUsage?: () => NodeJS.CpuUsage }).threadCpuUsage;

export class VitalsMeter {
  readonly #store: SeriesStore;
  readonly #maxSeries: number;
  readonly #delay: IntervalHistogram | undefined;
  readonly #slot = isMainThread ? workerSlot() : undefined;
  #at = performance.now();
  #cpuMs = cpuMs();
  #loop = performance.eventLoopUtilization();
  #gcMs = 0;
  #latest: Vitals | undefined;

  constructor(store: SeriesStore, maxSeries = DEFAULT_MAX_SERIES) {
    this.#store = store;
    this.#maxSeries = maxSeries;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) this.#gcMs += duration;
    }).observe({ entryTypes: ['gc'] });
    // an idle worker thread of a pool waits without its event loop, for as long as there is no work
    if (!isMainThread) return;
    this.#delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.#delay.enable();
  }

  /** The vitals since the last measurement. */
  measure(): Vitals {
    const now = performance.now();
    const elapsedMs = now - this.#at;
    if (elapsedMs >= LEAST_MS) this.#latest = this.#since(elapsedMs);
    const slot = Number(this.#slot?.name);
    return {
      ...this.#latest,
      slot: Number.isSafeInteger(slot) ? slot : undefined,
      restarts: this.#slot?.restarts,
      residentBytes: isMainThread ? process.memoryUsage.rss() : undefined,
      seriesShare: this.#fullness(),
    };
  }

  #since(elapsedMs: number): Vitals {
    const [cpu, loop, gcMs] = [cpuMs(), performance.eventLoopUtilization(), this.#gcMs];
    const vitals = {
      cpuShare: cpu === undefined ? undefined : (cpu - this.#cpuMs!) / elapsedMs,
      gcShare: gcMs / elapsedMs,
      ...(this.#delay !== undefined && {
        loopShare: performance.eventLoopUtilization(loop, this.#loop).utilization,
        loopLagSeconds: Math.max(0, this.#delay.max / 1e9 - RESOLUTION_MS / 1000),
      }),
    };
    this.#delay?.reset();
    this.#at += elapsedMs;
    [this.#cpuMs, this.#loop, this.#gcMs] = [cpu, loop, 0];
    return vitals;
  }

  #fullness(): number {
    let fullest = this.#store.status.liveSeries / this.#maxSeries;
    for (const { series, maxSeries } of this.#store.families) fullest = Math.max(fullest, series.size / maxSeries);
    return fullest;
  }
}

/** CPU time so far; undefined in a worker thread where Node does not tell it. */
function cpuMs(): number | undefined {
  const usage = isMainThread ? process.cpuUsage() : threadCpuUsage?.();
  return usage === undefined ? undefined : (usage.user + usage.system) / 1000;
}
