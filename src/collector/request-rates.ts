import type { RequestCounts } from './request-counts.js';

export interface RequestRate {
  readonly perSecond: number;
  /** Requests per second with a status of 5xx; undefined where the metric has no label with the status. */
  readonly failedPerSecond: number | undefined;
  /** The time that the rates are over. */
  readonly seconds: number;
}

/** Part of the requests that had a status of 5xx, 0 to 1; undefined where that is not known. */
export function failedShare(rate: RequestRate | undefined): number | undefined {
  const { perSecond = 0, failedPerSecond: failed } = rate ?? {};
  return failed === undefined || perSecond === 0 ? failed : failed / perSecond;
}

interface Reading {
  readonly at: number;
  /** By file. */
  readonly counts: ReadonlyMap<string, RequestCounts>;
}

/** Rates are over so long a time, so that they are calm, and the same for every reader. */
const WINDOW_MS = 10_000;
/** Readings that are closer to each other are not kept. */
const STEP_MS = 1000;

/** The requests per second of each process, between earlier readings of its counts and the present one. */
export class RequestRates {
  /** The oldest first. */
  #readings: Reading[] = [];

  /** By the files of the processes; a process without an earlier reading has no rate. */
  of(counts: ReadonlyMap<string, RequestCounts>, nowMs: number): Map<string, RequestRate> {
    // one reading is kept that is older than the window
    while (this.#readings.length > 1 && nowMs - this.#readings[1].at >= WINDOW_MS) this.#readings.shift();
    const rates = new Map<string, RequestRate>();
    for (const [file, now] of counts) {
      const before = this.#readings.find((reading) => reading.counts.has(file));
      if (before !== undefined && nowMs > before.at) {
        const rate = rateOf(before.counts.get(file)!, now, (nowMs - before.at) / 1000);
        if (rate !== undefined) rates.set(file, rate);
      }
    }
    const latest = this.#readings.at(-1);
    if (latest === undefined || nowMs - latest.at >= STEP_MS) this.#readings.push({ at: nowMs, counts });
    return rates;
  }
}

/** Undefined where the counts fell: the metric was reset. */
function rateOf(before: RequestCounts, now: RequestCounts, seconds: number): RequestRate | undefined {
  const requests = now.requests - before.requests;
  if (requests < 0) return undefined;
  const failed = now.failed === undefined ? undefined : Math.max(0, now.failed - (before.failed ?? 0));
  return {
    perSecond: requests / seconds,
    failedPerSecond: failed === undefined ? undefined : failed / seconds,
    seconds,
  };
}
