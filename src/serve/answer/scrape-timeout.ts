import type { IncomingMessage, ServerResponse } from 'node:http';
import { onceOver } from './response-over.js';

/** How long one scrape may take. */
export interface ScrapeTimeout {
  /** Milliseconds for a scrape that names no timeout of its own; no header can ask for more. */
  readonly timeoutMs: number;
  /** Milliseconds taken off the scraper's timeout, for the answer to reach it in time. */
  readonly offsetMs: number;
}

/** Seconds as Prometheus writes them, `10` or `0.25`. Signs, exponents, lists and a second header are not a number. */
const SECONDS = /^\d{1,9}(?:\.\d{1,9})?$/;

/**
 * Milliseconds from now until the scraper must have an answer. Prometheus names its timeout in
 * `X-Prometheus-Scrape-Timeout-Seconds`; a value that is none is treated as absent, for a broken header is no reason to
 * lose a scrape. The offset never takes more than half, so that timeouts below it still leave time to answer.
 */
export function scrapeBudgetMs(header: string | string[] | undefined, { timeoutMs, offsetMs }: ScrapeTimeout): number {
  if (typeof header !== 'string' || !SECONDS.test(header)) return timeoutMs;
  const askedMs = Number(header) * 1000;
  if (askedMs <= 0) return timeoutMs;
  return Math.max(1, Math.min(timeoutMs, Math.max(askedMs / 2, askedMs - offsetMs)));
}

/**
 * The value of `work`, or why nobody waits for it any longer. The work itself is not stopped: other scrapes may share it,
 * and its failure after that goes to `onLateFailure`.
 */
export function withinBudget<T>(
  work: Promise<T>,
  budgetMs: number,
  [req, res]: readonly [IncomingMessage, ServerResponse],
  onLateFailure: (error: unknown) => void,
): Promise<{ value: T } | 'too late' | 'client gone'> {
  return new Promise((resolve, reject) => {
    let waiting = true;
    const stopWaiting = (): void => {
      waiting = false;
      clearTimeout(timer);
      forgetClient();
    };
    const giveUp = (why: 'too late' | 'client gone') => (): void => {
      stopWaiting();
      resolve(why);
    };
    const timer = setTimeout(giveUp('too late'), budgetMs);
    const forgetClient = onceOver(req, res, giveUp('client gone'));
    work.then(
      (value) => {
        if (!waiting) return;
        stopWaiting();
        resolve({ value });
      },
      (error: unknown) => {
        if (!waiting) return onLateFailure(error);
        stopWaiting();
        reject(error);
      },
    );
  });
}
