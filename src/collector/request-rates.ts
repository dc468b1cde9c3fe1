import type { ProcessInfo } from './report.js';

export interface RequestRate {
  readonly perSecond: number;
  /** Part of the requests that had a status of 5xx, 0 to 1. */
  readonly failedShare: number;
}

/** The requests per second of each process between two readings of their counts. */
export class RequestRates {
  #before = new Map<string, { requests: number; failed: number; at: number }>();

  /** By the files of the processes; a process without an earlier reading, or without a known metric, has no rate. */
  of(processes: readonly ProcessInfo[], nowMs: number): Map<string, RequestRate> {
    const rates = new Map<string, RequestRate>();
    const now = new Map<string, { requests: number; failed: number; at: number }>();
    for (const { file, requests: counts } of processes) {
      if (counts === undefined) continue;
      now.set(file, { ...counts, at: nowMs });
      const before = this.#before.get(file);
      const seconds = before === undefined ? 0 : (nowMs - before.at) / 1000;
      if (before === undefined || seconds <= 0 || counts.requests < before.requests) continue;
      const requests = counts.requests - before.requests;
      const failedShare = requests > 0 ? Math.max(0, counts.failed - before.failed) / requests : 0;
      rates.set(file, { perSecond: requests / seconds, failedShare });
    }
    this.#before = now;
    return rates;
  }
}
